"""The paper's rows beside one's own."""

from pathlib import Path

import pytest
from helpers.datasets import write_blocks

from casnet_cli.data.store import Store
from casnet_cli.recipe import Recipe
from casnet_cli.runs.records import SeriesMetrics
from casnet_cli.workflows.series import paper
from casnet_cli.workflows.series.ablate import show
from casnet_cli.workflows.series.paper import OwnRow, show_published
from casnet_cli.workflows.series.series import Series

OWN = {"pixel_accuracy": 0.8512, "class_accuracy": 0.7901, "mean_iou": 0.7, "frequency_weighted_iou": 0.7}
MINE = OwnRow("mine", 0.8512, 0.7901)


def test_tables_2_and_3_hold_the_cited_rows_and_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    show_published("sift-flow", [MINE])
    output = capsys.readouterr().out
    for word in ("table 2", "91.6", "52.5", "90.52", "Jin et al. 2017", "the original has their numbers the other way"):
        assert word in output
    assert "85.1" in output and "79.0" in output
    show_published("stanford-background", [MINE])
    output = capsys.readouterr().out
    assert "table 3" in output and "89.7" in output and "75.4" in output and "Farabet" not in output
    show_published("camvid", [MINE])
    assert capsys.readouterr().out == ""


def test_table_1_is_printed_as_printed_with_its_contradiction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(write_blocks(tmp_path / "blocks.h5", {"train": 2, "test": 1}))
    store.name = "sift-flow"
    group = {"runs": 2, "mean": OWN, "spread": dict.fromkeys(OWN, 0.004)}
    difference = {"of": "c", "minus": "a", "runs": 2, **{key: {"value": 0.012, "ci95": [0.001, 0.02]} for key in OWN}}
    series = Series(tmp_path, "ablate", "mine", Recipe(), store, "none")
    metrics = {"runs": {}, "groups": dict.fromkeys("abc", group), "differences": [difference]}
    show(series, SeriesMetrics.model_validate(metrics), [0, 1])
    output = capsys.readouterr().out
    for word in ("89.2", "91.0", "91.6", "contradicts itself", "fit 90.2 for", "85.1 ± 0.4", "+1.2 [+0.1, +2.0]"):
        assert word in output


def test_arrows_of_table_1_are_what_its_figures_give_but_for_sift_flow() -> None:
    stanford = paper.ABLATION["stanford-background"]
    assert [round(stanford[letter] - stanford["a"], 1) for letter in "bc"] == [0.7, 1.2]
    sift = paper.ABLATION["sift-flow"]
    assert [round(sift[letter] - sift["a"], 1) for letter in "bc"] == [1.8, 2.4], "the paper's arrows say 0.8 and 1.4"
