"""What leaving the fine branch out costs and saves: the curve of `--fine auto`, measured on a run's own images."""

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.evaluation.early_exit import EarlyExitRecord, ImageErrors, Point, TimedPoint, curve
from casnet_cli.labels import VOID

if TYPE_CHECKING:
    import keras

    from casnet_cli.data.store import Subset
    from casnet_cli.inference.protocol import Predictor

IMAGES = 100
"""Images that are measured at most, spread over the split."""

TIMED, REPEATS = 12, 3
"""Images on which the parts of the network are timed, and timings of each, of which the fastest counts; one more before
them compiles."""


def measure_early_exit(
    model: "keras.Model",
    scale: float,
    images: "Subset",
    easy_below: float | None,
    intensities: Intensities = PLAIN,
) -> EarlyExitRecord:
    """Measure accuracy and time without the fine branch.

    The time of a point is computed from those of the two parts: all images pass the first, the difficult ones the
    second. easy_below: the threshold that validation chose; None: it chose none. intensities: of the
    images.
    """
    from casnet_cli.data.loader import whole_images
    from casnet_cli.inference.keras_predictor import KerasPredictor
    from casnet_cli.inference.outputs import BRANCHES
    from casnet_cli.inference.predictor import InferenceSettings

    count = min(IMAGES, len(images))
    part = images.at([index * len(images) // count for index in range(count)])
    always = KerasPredictor(model, InferenceSettings(scale=scale), BRANCHES, intensities)
    never = KerasPredictor(model, InferenceSettings(scale=scale, easy_below=1.0), BRANCHES, intensities)
    parted = KerasPredictor(model, InferenceSettings(scale=scale, easy_below=-1.0), BRANCHES, intensities)
    errors, times = [], []
    for place, sample in enumerate(whole_images(part)):
        outputs, label = always.predict(sample.image), sample.label
        right = (int((outputs[branch] == label).sum()) for branch in ("coarse", "mask"))
        errors.append(ImageErrors(float(outputs["difficulty"].max()), int((label != VOID).sum()), *right))
        if place < TIMED:
            times.append([_seconds(predictor, sample.image) for predictor in (always, never, parted)])
    whole = statistics.median(always for always, *_ in times)
    first, both = (whole * statistics.median(own[part] / own[0] for own in times) for part in (1, 2))
    points = [_timed(point, first, both) for point in curve(errors)]
    chosen = [point for point in points if easy_below is not None and point["easy_below"] <= easy_below]
    return {
        "images": count,
        "always_seconds": whole,
        "never_seconds": first,
        "points": points,
        "chosen": chosen[-1] if chosen else None,
    }


def _timed(point: Point, first: float, both: float) -> TimedPoint:
    """first, both: seconds of an image through the first part, and through both parts."""
    return {
        "easy_below": point.easy_below,
        "share": point.share,
        "accuracy": point.accuracy,
        "loss": point.loss,
        "seconds": first + (1 - point.share) * (both - first),
    }


def _seconds(predictor: "Predictor", image: np.ndarray) -> float:
    times = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        predictor.predict(image)
        times.append(time.perf_counter() - began)
    return min(times[1:])
