"""Evaluate a network on whole images, one at a time: what is kept grows with the classes, not with the images."""

import heapq
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from casnet_cli.evaluation.confusion import FIGURES, Counts, Figures, confusion, counts_of, figures, stacked
from casnet_cli.evaluation.tally import Tally, interval, resampled
from casnet_cli.labels import VOID, LabelSet

Answer = dict[str, np.ndarray]
"""What the network says of one image: `mask`, `coarse`, `fine` (H, W) ids; `confidence`, `difficulty` (H, W) 0..1."""

BRANCHES = {"coarse": "coarse", "fine": "fine", "fused": "mask"}


class LabelledImage(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def image(self) -> np.ndarray: ...
    @property
    def label(self) -> np.ndarray: ...


@dataclass(order=True, frozen=True)
class Example:
    """An image kept with its answer because few were worse."""

    sort_key: tuple[float, str]
    sample: Any = field(compare=False)
    answer: Answer = field(compare=False)


@dataclass(frozen=True)
class Scores:
    """matrices: (K, K) counts of each branch there is, rows = truth. tally: the counts of each image. worst: the images
    with the lowest accuracy."""

    labels: LabelSet
    matrices: dict[str, np.ndarray]
    tally: Tally
    worst: list[Example]
    void_pixels: int
    seconds: float

    @property
    def fused(self) -> Figures:
        return figures(self.matrices["fused"])

    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json: unrounded fractions, None where there is nothing to measure."""
        final, pixels = self.fused, self.matrices["fused"].sum(1)
        per_class = [
            {"name": name, "accuracy": _number(accuracy), "iou": _number(iou), "pixels": int(count)}
            for name, accuracy, iou, count in zip(self.labels.names, final.accuracy, final.iou, pixels, strict=True)
        ]
        drawn = resampled([self.tally])
        return {
            **final.summary(),
            **{f"{key}_ci95": interval(drawn[key]) for key in FIGURES},
            "per_class": per_class,
            "absent_classes": [entry["name"] for entry in per_class if not entry["pixels"]],
            "images": len(self.tally.names),
            "labelled_pixels": int(pixels.sum()),
            "void_pixels": self.void_pixels,
            "branches": {
                name: figures(self.matrices[name]).summary() if name in self.matrices else None for name in BRANCHES
            },
            "seconds": self.seconds,
            "images_per_second": len(self.tally.names) / self.seconds if self.seconds else None,
        }


def evaluate(
    answer: Callable[[np.ndarray], Answer],
    samples: Iterable[LabelledImage],
    labels: LabelSet,
    keep_worst: int = 0,
    on_image: Callable[[LabelledImage, Answer], None] = lambda sample, answer: None,
) -> Scores:
    """Ask `answer` of every sample's image (H, W, 3) uint8 and count. Void pixels count nowhere."""
    began = time.perf_counter()
    names: list[str] = []
    matrices = {"fused": np.zeros((len(labels), len(labels)), np.int64)}
    counts: dict[str, list[Counts]] = {"fused": []}
    worst: list[Example] = []  # a heap whose first is the best of the worst
    void_pixels = 0
    for sample in samples:
        said = answer(sample.image)
        for branch in (branch for branch, key in BRANCHES.items() if key in said):
            own = confusion(sample.label, said[BRANCHES[branch]], len(labels))
            matrices[branch] = matrices.get(branch, 0) + own
            counts.setdefault(branch, []).append(counts_of(own))
        names.append(sample.name)
        void_pixels += int((sample.label == VOID).sum())
        if keep_worst and own.any():  # of the fused branch, the last one counted
            example = Example((-float(figures(own).pixel_accuracy), sample.name), sample, said)
            (heapq.heappush if len(worst) < keep_worst else heapq.heappushpop)(worst, example)
        on_image(sample, said)
    tally = Tally(tuple(names), {branch: stacked(each, len(labels)) for branch, each in counts.items()})
    return Scores(labels, matrices, tally, sorted(worst, reverse=True), void_pixels, time.perf_counter() - began)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
