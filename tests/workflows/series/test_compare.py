"""The page of `casnet compare`."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import tiny_backbone
from helpers.cli import casnet, tiny_settings
from helpers.datasets import write_blocks

from casnet_cli.evaluation.confusion import Counts
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.workflows.series.comparison import ComparedCounts, best_run


def test_a_page_holds_the_tables_and_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_blocks(Path("data/blocks.h5"), {"train": 8, "test": 3})
    with tiny_backbone.known():
        for seed in (0, 1):
            casnet("train", *tiny_settings("training.epochs=1", "evaluation.samples=0", f"training.seed={seed}"))
        runs = ("runs/blocks-001", "runs/blocks-002")
        shown = casnet("compare", *runs, "--out", "page", "--json", "compared.json")
    text = Path("page/compare.html").read_text()
    assert "<title>Comparison of 2 runs on blocks</title>" in text and "prefers-color-scheme: dark" in text
    assert not re.search(r"(src|href)=\"(?!data:)", text) and "A: runs/blocks-001" in text and "B − A" in text
    metrics = json.loads(Path("compared.json").read_text())["runs"]
    best = "AB"[metrics[1]["mean_iou"] > metrics[0]["mean_iou"]]
    assert (
        f"{best} (runs/blocks-00{1 + (best == 'B')}) has the highest mean IoU" in text and "A: runs/blocks-001" in shown
    )
    per_class = Path("runs/blocks-002/eval/test/per_class.csv").read_text().splitlines()[1:]
    for line in per_class:
        name, _, iou, _ = line.split(",")
        cells = re.search(rf"<th scope=\"row\">{name}</th>(.*?)</tr>", text)
        expected = f"{100 * float(iou):.1f}" if iou else "–"
        assert cells and re.findall(r">([^<]+)</td>", cells[1])[1] == expected
    Path("other").mkdir()
    Path("other/compare.html").write_text("<title>mine</title>")
    assert "page of casnet compare" in casnet("compare", runs[0], "--out", "other", code=2)
    shutil.rmtree("data")


def test_the_iou_of_a_class_is_averaged_over_the_runs_that_have_it() -> None:
    def part(correct: list[int], truth: list[int], claimed: list[int]) -> PerImageCounts:
        return PerImageCounts(("a",), {"fused": Counts(*(np.array([row]) for row in (correct, truth, claimed)))})

    parts = {"0": part([4, 0, 0], [8, 2, 0], [4, 6, 0]), "1": part([2, 0, 0], [2, 0, 0], [8, 0, 0])}
    found = ComparedCounts("x", parts).class_iou()
    assert found[:2] == [(0.5 + 0.25) / 2, 0.0] and np.isnan(found[2])


def run_of(title: str, correct: list[int]) -> ComparedCounts:
    """A run on images of 10 pixels in each of two classes; right pixels of the first class of each image."""
    right = np.array([[own, 10] for own in correct])
    counts = Counts(right, np.full_like(right, 10), np.array([[own, 20 - own] for own in correct]))
    return ComparedCounts(title, {"": PerImageCounts(tuple(map(str, range(len(correct)))), {"fused": counts})})


@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ([[5, 6, 7, 6]], "A (a) has a mean IoU of 65.7 %."),
        ([[5, 6, 7, 6], [5, 6, 7, 6]], "A (a) has the highest mean IoU, 65.7 %, and B has the same."),
        (
            [[5, 6, 7, 6], [8, 9, 9, 8]],
            "B (b) has the highest mean IoU, 86.0 %, surely above A's: the 95 % interval of B",
        ),
        (
            [[8, 9, 9, 8], [5, 6, 7, 6]],
            "A (a) has the highest mean IoU, 86.0 %, surely above B's: the 95 % interval of B",
        ),
        ([[8, 9, 9, 8], [1, 1, 1, 1], [9, 8, 8, 8]], "A (a) has the highest mean IoU, 86.0 %, not surely above C's: "),
        ([[9, 8, 8, 8], [1, 1, 1, 1], [8, 9, 9, 8]], "C (c) has the highest mean IoU, 86.0 %, not surely above A's: "),
    ],
)
def test_the_page_begins_with_the_best_run(runs: list[list[int]], sentence: str) -> None:
    counts = [run_of(title, correct) for title, correct in zip("abc", runs, strict=False)]
    found = best_run([own.metrics() for own in counts], [own.minus(counts[0]) for own in counts[1:]])
    assert found.startswith(sentence)
