"""Evaluate a network on whole images: memory grows with the classes and the images, not with the pixels."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from casnet_cli.errors import RunError
from casnet_cli.evaluation.confusion import METRIC_NAMES, Counts, Metrics, confusion, counts_of, metrics_of, stacked
from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
from casnet_cli.evaluation.per_image import PerImageCounts, interval, resampled
from casnet_cli.inference.batching import BatchGroups
from casnet_cli.inference.protocol import LabelledImage, LabelledOutputs, PixelOutputs, Predictor, PreparedInput
from casnet_cli.inference.sound import NotNumbers
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.runs.measurement_record import MetricsRecord

BRANCH_OUTPUTS = {"coarse": "coarse", "fine": "fine", "fused": "mask"}
"""Keys of `branches` in metrics.json, with the output that has their classes."""


@dataclass(frozen=True)
class Evaluation:
    """Counts of a network on labelled images, and the metrics that follow."""

    labels: LabelSet
    """Classes of the data."""
    matrices: dict[str, np.ndarray]
    """Confusion matrix of each branch there is, (K, K) labelled pixels, rows = truth."""
    per_image: PerImageCounts
    """Counts of each image."""
    changed: tuple[int, ...]
    """Labelled pixels of each image on which the final output is another class than the coarse one."""
    detailed: DetailedMetrics | None
    """All other metrics; None: they were not counted."""
    void_pixels: int
    """Unlabelled pixels, which count nowhere."""
    seconds: float
    """Time of prediction and counting."""

    @property
    def fused(self) -> Metrics:
        """Metrics of the final output."""
        return metrics_of(self.matrices["fused"])

    def metrics(self) -> MetricsRecord:
        """The metrics as metrics.json has them: unrounded fractions, None where there is nothing to measure."""
        final, pixels = self.fused, self.matrices["fused"].sum(1)
        per_class = [
            {"name": name, "accuracy": _number(accuracy), "iou": _number(iou), "pixels": int(count)}
            for name, accuracy, iou, count in zip(self.labels.names, final.accuracy, final.iou, pixels, strict=True)
        ]
        drawn = resampled([self.per_image])
        found: dict[str, object] = {
            **final.summary(),
            **{f"{key}_ci95": interval(drawn[key]) for key in METRIC_NAMES},
            "per_class": per_class,
            "absent_classes": [entry["name"] for entry in per_class if not entry["pixels"]],
            "images": len(self.per_image.names),
            "labelled_pixels": int(pixels.sum()),
            "void_pixels": self.void_pixels,
            "branches": {
                name: metrics_of(self.matrices[name]).summary() if name in self.matrices else None
                for name in BRANCH_OUTPUTS
            },
            **(self.detailed.summary() if self.detailed else {}),
            "seconds": self.seconds,
            "images_per_second": len(self.per_image.names) / self.seconds if self.seconds else None,
        }
        return MetricsRecord.model_validate(found)


def predict_samples(predictor: Predictor, samples: Iterable[LabelledImage]) -> Iterator[LabelledOutputs]:
    """The outputs for every sample's image, in the order in which batches become full. Raises RunError for those that
    are no numbers."""
    groups: BatchGroups[tuple[int, LabelledImage, PreparedInput]] = BatchGroups()

    def predicted(batch: list[tuple[int, LabelledImage, PreparedInput]]) -> Iterator[LabelledOutputs]:
        found = predictor.predict_batch([ready for *_, ready in batch])
        for place, sample, _ in batch:
            try:
                outputs = next(found)
            except NotNumbers as error:
                raise RunError(f"{sample.name}: {error}") from None
            yield place, sample, outputs

    for place, sample in enumerate(samples):
        ready = predictor.prepare(sample.image)
        for batch in groups.add((place, sample, ready), ready.batch_key, ready.batch_limit):
            yield from predicted(batch)
    for batch in groups.rest():
        yield from predicted(batch)


def evaluate(
    predicted: Iterable[LabelledOutputs],
    labels: LabelSet,
    detailed: DetailedMetrics | None = None,
    on_image: Callable[[LabelledImage, PixelOutputs], None] = lambda sample, outputs: None,
) -> Evaluation:
    """Count the outputs of every image. Void pixels count nowhere.

    detailed: what else counts each image. on_image: called with each image and its outputs.
    """
    began = time.perf_counter()
    names: dict[int, str] = {}
    matrices = {"fused": np.zeros((len(labels), len(labels)), np.int64)}
    counts: dict[str, dict[int, Counts]] = {"fused": {}}
    changed: dict[int, int] = {}
    void_pixels = 0
    for place, sample, outputs in predicted:
        for branch in (branch for branch, key in BRANCH_OUTPUTS.items() if key in outputs):
            own = confusion(sample.label, outputs[BRANCH_OUTPUTS[branch]], len(labels))
            matrices[branch] = matrices.get(branch, 0) + own
            counts.setdefault(branch, {})[place] = counts_of(own)
        names[place] = sample.name
        void = sample.label == VOID
        void_pixels += int(void.sum())
        changed[place] = int(((outputs.get("coarse", outputs["mask"]) != outputs["mask"]) & ~void).sum())
        if detailed:
            detailed.add(sample.label, outputs)
        on_image(sample, outputs)
    order = sorted(names)
    by_image = {branch: stacked([each[place] for place in order], len(labels)) for branch, each in counts.items()}
    per_image = PerImageCounts(tuple(names[place] for place in order), by_image)
    return Evaluation(
        labels, matrices, per_image, tuple(changed[place] for place in order), detailed, void_pixels,
        time.perf_counter() - began,
    )  # fmt: skip


def remarkable(evaluation: Evaluation, most: int) -> dict[str, list[int]]:
    """Places of at most so many images of each kind: the `worst`, the `best`, those around the `median` of pixel
    accuracy, and those that refinement `changed` most; images without labelled pixels are left out."""
    accuracy = evaluation.per_image.counts["fused"].metrics().pixel_accuracy
    order = [int(place) for place in np.argsort(accuracy, kind="stable") if not np.isnan(accuracy[place])]
    middle = max(0, (len(order) - most) // 2)
    changed = sorted(
        (place for place in order if evaluation.changed[place]), key=lambda place: -evaluation.changed[place]
    )
    return {
        "worst": order[:most],
        "changed": changed[:most],
        "median": order[middle : middle + most],
        "best": order[::-1][:most],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
