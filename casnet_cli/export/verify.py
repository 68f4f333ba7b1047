"""The proof of an export: its file and the network in Keras compared on the same real images."""

import math
import statistics
import time
from collections.abc import Iterable

import numpy as np
from PIL import Image

from casnet_cli.data.loader import WholeSample
from casnet_cli.evaluation.confusion import confusion, metrics_of
from casnet_cli.export.base import PredictFunction
from casnet_cli.inference.protocol import WHOLE_PIXELS
from casnet_cli.runs.export_record import ExportProof

IMAGES = 50
"""The largest number of images that a proof takes."""

LIMITS = {"float32": ("pixels_equal", 0.999), "float16": ("points", 0.05), "int8": ("points", 0.5)}
"""What a precision must keep: the smallest share of equal pixels, or the largest difference of pixel accuracy in
points."""

REST = 0.02
"""Seconds before a timing: threads of a runtime go on spinning for a while after their work and slow the next one's."""


def fitted(sample: WholeSample, size: tuple[int, int] | None, scale: float) -> WholeSample:
    """The sample as a file for images of that size takes it: resized, its label by the nearest pixel.

    Without a size it is made smaller only if it is more than an exported file takes at `evaluation.scale` = scale.
    """
    own = sample.image.shape[:2]
    if size is None and (shrink := math.sqrt(WHOLE_PIXELS / math.prod(own)) / scale) < 1:
        size = int(own[0] * shrink), int(own[1] * shrink)
    if size is None or own == size:
        return sample
    label = np.asarray(Image.fromarray(sample.label).resize(size[::-1], Image.Resampling.NEAREST))
    return WholeSample(sample.name, _resized(sample.image, size), label)


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, N) at that height and width: bilinear, but what is not 8-bit RGB by the nearest pixel, as a value for no
    data has no mean with others."""
    if image.dtype == np.uint8 and image.shape[2] == 3:
        return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))
    rows, columns = (
        ((np.arange(side) + 0.5) * own / side).astype(np.intp) for side, own in zip(size, image.shape[:2], strict=True)
    )
    return image[rows[:, None], columns]


def prove(
    exported: PredictFunction,
    keras: PredictFunction,
    samples: Iterable[WholeSample],
    classes: int,
    precision: str,
    repeats: int = 1,
) -> ExportProof:
    """Compare the file with the network in Keras. classes: how many there are. precision: that of the file. repeats:
    how often each image is timed."""
    matrices = np.zeros((2, classes, classes), np.int64)
    equal: dict[str, float] = {}
    pixels: list[int] = []
    farthest = 0.0
    seconds: tuple[list[float], list[float]] = [], []
    for number, sample in enumerate(samples):
        if not number:  # both compile or allocate their memory at their first image
            exported(sample.image), keras(sample.image)
        for _ in range(repeats):
            outputs = []
            for predict, times in zip((exported, keras), seconds, strict=True):
                time.sleep(REST)
                began = time.perf_counter()
                outputs.append(predict(sample.image))
                times.append(time.perf_counter() - began)
        equal[sample.name] = float((outputs[0]["mask"] == outputs[1]["mask"]).mean())
        pixels.append(sample.label.size)
        farthest = max(farthest, float(np.abs(outputs[0]["difficulty"] - outputs[1]["difficulty"]).max()))
        for matrix, own in zip(matrices, outputs, strict=True):
            matrix += confusion(sample.label, own["mask"], classes)
    result, reference = (metrics_of(matrix) for matrix in matrices)
    worst = min(equal, key=lambda name: equal[name])
    pixels_equal = float(np.average(list(equal.values()), weights=pixels))
    difference = float(result.pixel_accuracy - reference.pixel_accuracy)
    return ExportProof(
        images=len(equal),
        pixels_equal=pixels_equal,
        difficulty_farthest=farthest,
        pixel_accuracy=float(result.pixel_accuracy),
        pixel_accuracy_difference=difference,
        mean_iou=float(result.mean_iou),
        mean_iou_difference=float(result.mean_iou - reference.mean_iou),
        worst_image=worst,
        worst_image_pixels_equal=equal[worst],
        seconds_per_image=statistics.median(seconds[0]),
        keras_seconds_per_image=statistics.median(seconds[1]),
        within_limits=within(pixels_equal, difference, precision),
    )


def within(pixels_equal: float, accuracy_difference: float, precision: str) -> bool:
    """Whether a share of equal pixels and a difference of pixel accuracy keep the limit of the precision."""
    kind, limit = LIMITS[precision]
    if kind == "pixels_equal":
        return pixels_equal >= limit
    return abs(accuracy_difference) * 100 <= limit


def limit_of(precision: str) -> str:
    """The limit in words."""
    kind, limit = LIMITS[precision]
    if kind == "pixels_equal":
        return f"at least {100 * limit:g} % of pixels equal"
    return f"pixel accuracy within {limit:g} points"
