"""Evaluate a network on whole images: what is kept grows with the classes, not with the pixels."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from casnet_cli.errors import RunError
from casnet_cli.evaluation.confusion import METRIC_NAMES, Counts, Metrics, confusion, counts_of, metrics_of, stacked
from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
from casnet_cli.evaluation.per_image import PerImageCounts, interval, resampled
from casnet_cli.inference.batching import BatchGroups
from casnet_cli.inference.protocol import LabelledImage, LabelledOutputs, PixelOutputs, Predictor
from casnet_cli.labels import VOID, LabelSet

BRANCHES = {"coarse": "coarse", "fine": "fine", "fused": "mask"}


@dataclass(frozen=True)
class Evaluation:
    """matrices: (K, K) counts of each branch there is, rows = truth. tally: the counts of each image. changed: labelled
    pixels of each image on which the final answer is another class than the coarse one. detailed: all else measured."""

    labels: LabelSet
    matrices: dict[str, np.ndarray]
    per_image: PerImageCounts
    changed: tuple[int, ...]
    detailed: DetailedMetrics | None
    void_pixels: int
    seconds: float

    @property
    def fused(self) -> Metrics:
        return metrics_of(self.matrices["fused"])

    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json: unrounded fractions, None where there is nothing to measure."""
        final, pixels = self.fused, self.matrices["fused"].sum(1)
        per_class = [
            {"name": name, "accuracy": _number(accuracy), "iou": _number(iou), "pixels": int(count)}
            for name, accuracy, iou, count in zip(self.labels.names, final.accuracy, final.iou, pixels, strict=True)
        ]
        drawn = resampled([self.per_image])
        return {
            **final.summary(),
            **{f"{key}_ci95": interval(drawn[key]) for key in METRIC_NAMES},
            "per_class": per_class,
            "absent_classes": [entry["name"] for entry in per_class if not entry["pixels"]],
            "images": len(self.per_image.names),
            "labelled_pixels": int(pixels.sum()),
            "void_pixels": self.void_pixels,
            "branches": {
                name: metrics_of(self.matrices[name]).summary() if name in self.matrices else None for name in BRANCHES
            },
            **(self.detailed.summary() if self.detailed else {}),
            "seconds": self.seconds,
            "images_per_second": len(self.per_image.names) / self.seconds if self.seconds else None,
        }


def predict_samples(network: Predictor, samples: Iterable[LabelledImage]) -> Iterator[LabelledOutputs]:
    """What the network says of every sample's image, in whatever order images can be asked about together."""
    groups: BatchGroups[tuple[int, LabelledImage, Any]] = BatchGroups()

    def ask(batch: list[tuple[int, LabelledImage, Any]]) -> Iterator[LabelledOutputs]:
        for (place, sample, _), said in zip(batch, network.say([ready for *_, ready in batch]), strict=True):
            yield place, sample, said

    for place, sample in enumerate(samples):
        ready = network.prepare(sample.image)
        for batch in groups.add((place, sample, ready), ready.group, ready.together):
            yield from ask(batch)
    for batch in groups.rest():
        yield from ask(batch)


def evaluate(
    asked: Iterable[LabelledOutputs],
    labels: LabelSet,
    detailed: DetailedMetrics | None = None,
    on_image: Callable[[LabelledImage, PixelOutputs], None] = lambda sample, answer: None,
) -> Evaluation:
    """Count what was answered. Void pixels count nowhere. Raises RunError for an answer that is no number."""
    began = time.perf_counter()
    names: dict[int, str] = {}
    matrices = {"fused": np.zeros((len(labels), len(labels)), np.int64)}
    counts: dict[str, dict[int, Counts]] = {"fused": {}}
    changed: dict[int, int] = {}
    void_pixels = 0
    for place, sample, said in asked:
        if not np.isfinite(said["confidence"]).all():
            raise RunError(f"{sample.name}: what the network says of it is no number (its training has diverged)")
        for branch in (branch for branch, key in BRANCHES.items() if key in said):
            own = confusion(sample.label, said[BRANCHES[branch]], len(labels))
            matrices[branch] = matrices.get(branch, 0) + own
            counts.setdefault(branch, {})[place] = counts_of(own)
        names[place] = sample.name
        void = sample.label == VOID
        void_pixels += int(void.sum())
        changed[place] = int(((said.get("coarse", said["mask"]) != said["mask"]) & ~void).sum())
        if detailed:
            detailed.add(sample.label, said)
        on_image(sample, said)
    order = sorted(names)
    by_image = {branch: stacked([each[place] for place in order], len(labels)) for branch, each in counts.items()}
    per_image = PerImageCounts(tuple(names[place] for place in order), by_image)
    return Evaluation(
        labels, matrices, per_image, tuple(changed[place] for place in order), detailed, void_pixels,
        time.perf_counter() - began,
    )  # fmt: skip


def remarkable(scores: Evaluation, most: int) -> dict[str, list[int]]:
    """Places of at most so many images of each kind: the `worst`, the `best`, those around the `median` of pixel
    accuracy, and those that refinement `changed` most; images without labelled pixels are none of them."""
    accuracy = scores.per_image.counts["fused"].metrics().pixel_accuracy
    order = [int(place) for place in np.argsort(accuracy, kind="stable") if not np.isnan(accuracy[place])]
    middle = max(0, (len(order) - most) // 2)
    changed = sorted((place for place in order if scores.changed[place]), key=lambda place: -scores.changed[place])
    return {
        "worst": order[:most],
        "changed": changed[:most],
        "median": order[middle : middle + most],
        "best": order[::-1][:most],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
