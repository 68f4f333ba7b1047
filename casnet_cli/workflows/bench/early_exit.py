"""What leaving the fine branch out costs and saves: the curve of `--fine auto`, measured on a run's own images."""

import statistics
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from casnet_cli.evaluation.early_exit import ImageErrors, Point, curve
from casnet_cli.labels import VOID

if TYPE_CHECKING:
    import keras

    from casnet_cli.data.store import Subset

IMAGES = 100
"""At most so many, spread over the split."""

TIMED, REPEATS = 12, 3
"""Of these the parts of the network are timed in turn; the fastest of so many times counts, the first compiles."""


def cascade(model: "keras.Model", scale: float, images: "Subset", easy_below: float | None) -> dict[str, Any]:
    """Seconds an image with the fine branch always and never asked, the points of the curve, and the chosen one.

    A point's `seconds` are reckoned from the two parts: all images through the first, those that are hard through the
    second. easy_below: what validation chose, None if it chose nothing: then there is no chosen point.
    """
    from casnet_cli.data.loader import whole_images
    from casnet_cli.inference.pixel_outputs import branch_outputs
    from casnet_cli.inference.predictor import InferenceSettings, KerasPredictor

    count = min(IMAGES, len(images))
    part = images.at([index * len(images) // count for index in range(count)])
    always = KerasPredictor(model, InferenceSettings(scale=scale), branch_outputs)
    never = KerasPredictor(model, InferenceSettings(scale=scale, easy_below=1.0), branch_outputs)
    parted = KerasPredictor(model, InferenceSettings(scale=scale, easy_below=-1.0), branch_outputs)
    looks, times = [], []
    for place, sample in enumerate(whole_images(part)):
        said, label = always.predict(sample.image), sample.label
        right = (int((said[answer] == label).sum()) for answer in ("coarse", "mask"))
        looks.append(ImageErrors(float(said["difficulty"].max()), int((label != VOID).sum()), *right))
        if place < TIMED:
            times.append([_seconds(network, sample.image) for network in (always, never, parted)])
    whole = statistics.median(always for always, *_ in times)
    first, both = (whole * statistics.median(own[part] / own[0] for own in times) for part in (1, 2))
    points = curve(looks)

    def told(point: Point) -> dict[str, float]:
        return asdict(point) | {"seconds": first + (1 - point.share) * (both - first)}

    chosen = [point for point in points if easy_below is not None and point.easy_below <= easy_below]
    return {
        "images": count,
        "always_seconds": whole,
        "never_seconds": first,
        "points": [told(point) for point in points],
        "chosen": told(chosen[-1]) if chosen else None,
    }


def _seconds(network: Any, image: np.ndarray) -> float:
    found = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        network.predict(image)
        found.append(time.perf_counter() - began)
    return min(found[1:])
