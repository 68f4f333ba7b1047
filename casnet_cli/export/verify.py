"""The proof of an export: its file and the network of the run asked about the same real images."""

import math
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from PIL import Image

from casnet_cli.data.loader import WholeSample
from casnet_cli.evaluation.confusion import confusion, metrics_of
from casnet_cli.inference.protocol import WHOLE_PIXELS

IMAGES = 50
"""Asked about at most."""

LIMITS = {"float32": ("pixels_equal", 0.999), "float16": ("points", 0.05), "int8": ("points", 0.5)}
"""What a precision must keep: the least share of equal pixels, or the most points of pixel accuracy that it is off."""

REST = 0.02
"""Seconds before a timing: threads of a runtime go on turning for a while after their work, and slow the next one's."""

Answer = Callable[[np.ndarray], dict[str, np.ndarray]]


def fitted(sample: WholeSample, size: tuple[int, int] | None, scale: float) -> WholeSample:
    """The sample as a file for images of that size is asked about it: scaled, its label by the nearest pixel.

    Without a size it is made smaller only if it is more than an exported file takes at `evaluation.scale` = scale.
    """
    own = sample.image.shape[:2]
    if size is None and (shrink := math.sqrt(WHOLE_PIXELS / math.prod(own)) / scale) < 1:
        size = int(own[0] * shrink), int(own[1] * shrink)
    if size is None or own == size:
        return sample
    image, label = Image.fromarray(sample.image), Image.fromarray(sample.label)
    wide = size[::-1]
    return WholeSample(
        sample.name,
        np.asarray(image.resize(wide, Image.Resampling.BILINEAR)),
        np.asarray(label.resize(wide, Image.Resampling.NEAREST)),
    )


def prove(ours: Answer, keras: Answer, samples: Iterable[WholeSample], classes: int, precision: str) -> dict[str, Any]:
    """What `export.json` says of the proof: shares of pixels, differences in points, seconds an image, the worst image.

    ours, keras: from an image (H, W, 3) uint8 to its `mask` and `difficulty`, of the file and of the network.
    """
    matrices = np.zeros((2, classes, classes), np.int64)
    equal: dict[str, float] = {}
    pixels: list[int] = []
    farthest = 0.0
    seconds: tuple[list[float], list[float]] = [], []
    for number, sample in enumerate(samples):
        if not number:  # both compile or lay out their memory at their first image
            ours(sample.image), keras(sample.image)
        said = []
        for answer, times in zip((ours, keras), seconds, strict=True):
            time.sleep(REST)
            began = time.perf_counter()
            said.append(answer(sample.image))
            times.append(time.perf_counter() - began)
        equal[sample.name] = float((said[0]["mask"] == said[1]["mask"]).mean())
        pixels.append(sample.label.size)
        farthest = max(farthest, float(np.abs(said[0]["difficulty"] - said[1]["difficulty"]).max()))
        for matrix, own in zip(matrices, said, strict=True):
            matrix += confusion(sample.label, own["mask"], classes)
    result, reference = (metrics_of(matrix) for matrix in matrices)
    worst = min(equal, key=lambda name: equal[name])
    found = {
        "images": len(equal),
        "pixels_equal": float(np.average(list(equal.values()), weights=pixels)),
        "difficulty_farthest": farthest,
        "pixel_accuracy": float(result.pixel_accuracy),
        "pixel_accuracy_difference": float(result.pixel_accuracy - reference.pixel_accuracy),
        "mean_iou": float(result.mean_iou),
        "mean_iou_difference": float(result.mean_iou - reference.mean_iou),
        "worst_image": worst,
        "worst_image_pixels_equal": equal[worst],
        "seconds_per_image": statistics.median(seconds[0]),
        "keras_seconds_per_image": statistics.median(seconds[1]),
    }
    return found | {"within_limits": within(found, precision)}


def within(found: dict[str, Any], precision: str) -> bool:
    """Whether the figures keep what `LIMITS` asks of the precision."""
    kind, limit = LIMITS[precision]
    if kind == "pixels_equal":
        return found["pixels_equal"] >= limit
    return abs(found["pixel_accuracy_difference"]) * 100 <= limit


def limit_of(precision: str) -> str:
    """The limit in words."""
    kind, limit = LIMITS[precision]
    if kind == "pixels_equal":
        return f"at least {100 * limit:g} % of pixels equal"
    return f"pixel accuracy within {limit:g} points"
