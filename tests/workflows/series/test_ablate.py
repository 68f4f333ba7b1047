"""The four variants of an ablation and their differences."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.cli import casnet, tiny_settings
from helpers.datasets import write_blocks

pytestmark = pytest.mark.slow

LETTERS = {"a": "coarse", "b": "static", "c": "attention", "fine": "fine"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/ab: two seeds, the second of them by a later call."""
    home = tmp_path_factory.mktemp("ablation")
    write_blocks(home / "data" / "blocks.h5", {"train": 12, "test": 5})
    short = tiny_settings("training.epochs=1", "training.deterministic=true", "evaluation.samples=0")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        casnet("ablate", "folder", "--run", "runs/ab", *short)
        casnet("ablate", "--run", "runs/ab", "--seeds", "5", "--resume")
    return home


def summary_of(home: Path) -> dict[str, Any]:
    return dict(json.loads((home / "runs/ab/summary.json").read_text())["figures"]["none"])


@pytest.fixture(autouse=True)
def _inside(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


def test_variants_of_a_seed_differ_in_nothing_else(home: Path) -> None:
    def settings_of(name: str) -> list[str]:
        return (home / f"runs/ab/{name}/recipe.toml").read_text().splitlines()

    summary = summary_of(home)
    assert set(summary["runs"]) == {f"{letter}-seed-{seed}" for letter in LETTERS for seed in (0, 5)}
    for letter, variant in LETTERS.items():
        for seed in (0, 5):
            own, reference = settings_of(f"{letter}-seed-{seed}"), settings_of("c-seed-0")
            changed = {line for line in own if line not in reference}
            assert changed <= {f'variant = "{variant}"', f"seed = {seed}"}
            assert f'variant = "{variant}"' in own and f"seed = {seed}" in own


def test_a_difference_is_that_of_the_means_and_its_interval_holds_it(home: Path) -> None:
    summary = summary_of(home)
    mean = {name: group["mean"]["pixel_accuracy"] for name, group in summary["groups"].items()}
    found = {(one["of"], one["minus"]): one["pixel_accuracy"] for one in summary["differences"]}
    assert set(found) == {("b", "a"), ("c", "a"), ("c", "b"), ("c", "fine"), ("c", "c's coarse")}
    for (of, minus), one in found.items():
        assert one["value"] == pytest.approx(mean[of] - mean[minus], abs=1e-12)
        assert one["ci95"][0] <= one["value"] <= one["ci95"][1]


def test_compare_says_the_same(home: Path) -> None:
    casnet("compare", "runs/ab", "--json", "compared.json")
    record = json.loads((home / "compared.json").read_text())
    summary = summary_of(home)
    assert [run["run"] for run in record["runs"]] == [f"runs/ab/{letter}" for letter in LETTERS]
    ours = {one["of"]: one["mean_iou"] for one in record["differences"]}
    theirs = {one["of"]: one["mean_iou"] for one in summary["differences"] if one["minus"] == "a"}
    assert ours["runs/ab/c"] == theirs["c"] and ours["runs/ab/b"] == theirs["b"]


def test_the_table_and_the_picture(home: Path) -> None:
    shown = casnet("ablate", "--resume", "--run", "runs/ab")
    assert "(b) + fine, 0.5" in shown and "(c)'s coarse" in shown and "c − a" in shown and "±" in shown
    assert (home / "runs/ab/figure4.jpg").stat().st_size > 5000
