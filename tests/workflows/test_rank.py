"""`casnet rank` on the command line, with a tiny network that has learnt a little."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cli import BEST, at_home, casnet
from PIL import Image

from casnet_cli.workflows import rank


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from at_home(trained, monkeypatch)


@pytest.fixture(scope="module")
def ranked(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ranked") / "rank.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        casnet("rank", "photos", "--by", "difficulty", "--out", out)
    return out


def listed(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def test_the_list_follows_the_outputs_of_the_network(ranked: Path, home: Path) -> None:
    from casnet_cli.inference.keras_predictor import KerasPredictor
    from casnet_cli.inference.outputs import MASK
    from casnet_cli.inference.predictor import InferenceSettings
    from casnet_cli.runs.checkpoint import load_model

    network = KerasPredictor(load_model(home / BEST)[0], InferenceSettings(), MASK)
    expected = {}
    for file in sorted((home / "photos").rglob("*.png")):
        difficulty = network.predict(np.asarray(Image.open(file)))["difficulty"]
        expected[str(file.relative_to(home))] = float(difficulty.mean())
    rows = listed(ranked)
    assert [row["file"] for row in rows] == sorted(expected, key=lambda name: -expected[name])
    assert {row["file"]: float(row["difficulty"]) for row in rows} == pytest.approx(expected, abs=1e-4)
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    page = (ranked.with_suffix("") / "page.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 6
    regions = listed(ranked.with_suffix("") / "regions.csv")
    assert len(regions) == sum(int(row["regions"]) for row in rows)


@pytest.fixture
def unscored(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(run: Any, jobs: Any, manifest: Any) -> None:
        raise AssertionError(f"scored {[str(job.file) for job in jobs]}")

    monkeypatch.setattr(rank, "_score", never)


def test_another_order_scores_nothing_again(ranked: Path, home: Path, unscored: None) -> None:
    for by in ("mixed", "variety", "random", "entropy", "margin"):
        casnet("rank", "photos", "--by", by, "--out", ranked, "--top", 3)
        assert len(listed(ranked)) == 3
    casnet("rank", "photos", "--out", ranked, "--budget", 5000)
    assert sum(int(row["width"]) * int(row["height"]) for row in listed(ranked)) <= 5000


def test_a_new_image_is_scored_alone(ranked: Path, home: Path, tmp_path: Path, monkeypatch: Any) -> None:
    scored: list[str] = []
    monkeypatch.setattr(rank, "_score", lambda run, jobs, manifest: scored.extend(job.file.name for job in jobs))
    Image.new("RGB", (40, 40)).save(tmp_path / "new.png")
    casnet("rank", "photos", tmp_path / "new.png", "--out", ranked)
    assert scored == ["new.png"]


def test_broken_images_are_named_and_the_rest_is_ranked(home: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.jpg").write_text("no picture")
    (tmp_path / "in" / "good.png").write_bytes((home / "photos/0.png").read_bytes())
    casnet("rank", tmp_path / "in", "--out", tmp_path / "list.csv", code=1)
    assert [Path(row["file"]).name for row in listed(tmp_path / "list.csv")] == ["good.png"]


WRONG: list[tuple[tuple[object, ...], str]] = [
    (("nowhere",), "nowhere: no such file or folder"),
    (("photos", "--run", "nowhere"), "nowhere: no such run"),
    (("photos", "--out", "list.txt"), "list.txt: no name of a list"),
    (("photos", "--out", "photos.csv"), "photos.csv: its folder photos/ holds the images (name another --out)"),
    (("photos", "--out", "nowhere/list.csv"), "nowhere/list.csv: cannot be written: no such folder"),
    (("photos", "--top", 0), "--top"),
    (("photos", "--by", "luck"), "--by"),
    (("photos", "--by", "random", "--seed", "-1"), "--seed"),
]


def test_a_list_of_something_else_is_not_written_over(home: Path, unscored: None, tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("my notes\n")
    shown = casnet("rank", "photos", "--out", tmp_path / "notes.csv", code=2).replace("\n", " ")
    assert "is there, and is no list of casnet rank" in shown and (tmp_path / "notes.csv").read_text() == "my notes\n"
    (tmp_path / "list").mkdir()
    for name in ("page.html", "regions.csv"):
        own = tmp_path / "list" / name
        own.write_text("mine")
        assert f"list/{name}: is there, and is no" in casnet("rank", "photos", "--out", tmp_path / "list.csv", code=2)
        assert own.read_text() == "mine"
        own.unlink()


@pytest.mark.parametrize(("words", "expected"), WRONG, ids=lambda given: " ".join(map(str, given)) if given else "")
def test_mistakes_are_one_line(home: Path, unscored: None, words: tuple[object, ...], expected: str) -> None:
    shown = casnet("rank", *words, code=2)
    assert expected in shown and shown.count("\n") == 1 and shown.startswith("error: ")


def test_the_list_becomes_tasks_in_its_order(ranked: Path, home: Path, unscored: None) -> None:
    casnet("rank", "photos", "--out", ranked, "--top", 3, "--save", "label-studio", "--save", "coco")
    tasks = ranked.with_suffix("") / "tasks"
    names = [row["file"].removeprefix("photos/") for row in listed(ranked)]
    found = json.loads((tasks / "annotations.label-studio.json").read_text())
    assert [task["data"]["name"] for task in found] == names and len(names) == 3
    assert all(task["predictions"][0]["result"] for task in found)
    coco = json.loads((tasks / "annotations.coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == names
    masks = {file.relative_to(tasks).as_posix() for file in tasks.rglob("*.png") if ".difficulty" not in file.name}
    assert masks == set(names)
    casnet("rank", "photos", "--out", ranked, "--top", 2, "--by", "random", "--save", "coco", "--seed", 5)
    chosen = [row["file"].removeprefix("photos/") for row in listed(ranked)]
    coco = json.loads((tasks / "annotations.coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == chosen and len(chosen) == 2
    files = [json.loads(line)["file"] for line in (tasks / "manifest.jsonl").read_text().splitlines()]
    assert len(files) == len(set(files)), "labelled twice"
