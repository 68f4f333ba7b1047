"""The end of a training: what its validation images say about how far the best checkpoint can be trusted."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from casnet_cli import backend, console
from casnet_cli.data.store import Subset
from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.util.text import count

if TYPE_CHECKING:
    from casnet_cli.inference.predictor import KerasPredictor

KEYS = {"temperature", "images", "selective", "easy", "difficulty"}


def calibrate(best: Path, images: Subset, network: Callable[[], "KerasPredictor"]) -> None:
    """Fit on validation images what `predict` goes by, and keep it in the checkpoint, unless that was done before.

    network: makes the one of that checkpoint.

    `temperature`, by which log-probabilities are divided to mean what they say; `selective`, the accuracy of pixels
    above a confidence; `easy`, the difficulty below which the fine branch may be left out; `difficulty`, of each image.
    """
    from casnet_cli.evaluation.calibration import fit_temperature, selective
    from casnet_cli.evaluation.early_exit import curve, threshold
    from casnet_cli.runs.checkpoint import amend

    if not best.is_file() or calibrated(best):
        return
    meta = read_meta(best)
    backend.start()
    from casnet_cli.inference.pixel_outputs import branch_outputs

    scale, cascade = meta.recipe.evaluation.scale, meta.recipe.model.variant == "attention"
    asked = network().with_outputs(scale, lambda pixels: branch_outputs(pixels) | {"p": pixels["fused"]})
    samples, looks, difficulty = _looked_at(asked, images, cascade)
    temperature = fit_temperature(samples)
    easy = threshold(curve(looks))
    told: dict[str, Any] = {"temperature": temperature, "images": len(images), "difficulty": difficulty}
    told["selective"] = [  # thresholds rounded down: else the surest pixels would not reach theirs
        [math.floor(threshold * 1e6) / 1e6, round(share, 6), round(accuracy, 6)]
        for threshold, share, accuracy in selective(samples, temperature)
    ]
    told["easy"] = {"below": easy.easy_below, "share": easy.share, "loss": easy.loss} if easy else None
    amend(best, told)
    number = "none fits" if temperature is None else f"{temperature:.2f}"
    console.detail(f"{best}: temperature {number}, fitted on {count(len(images), 'validation image')}")


def calibrated(best: Path) -> bool:
    """Whether a checkpoint has all that `calibrate` puts into it. Raises RunError."""
    return read_meta(best).calibration.keys() >= KEYS


def _looked_at(network: "KerasPredictor", images: Subset, cascade: bool) -> tuple[list[Any], list[Any], list[float]]:
    """Of each validation image some log-probabilities with their truth, how right it was, and its mean difficulty."""
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.calibration import PIXELS, chosen_pixels, generator
    from casnet_cli.evaluation.early_exit import ImageErrors
    from casnet_cli.labels import VOID

    most, tiny = -(-PIXELS // len(images)), np.finfo(np.float32).tiny
    samples, looks, difficulty = [], [], []
    for place, sample in enumerate(whole_images(images)):
        said, label = network.predict(sample.image), sample.label
        difficulty.append(round(float(said["difficulty"].mean()), 5))
        pixels = chosen_pixels(label, most, generator(place))
        if len(pixels):
            scores = np.log(np.maximum(said["p"].reshape(len(said["p"]), -1)[:, pixels].T, tiny))
            samples.append((scores, label.ravel()[pixels]))
        if cascade:
            right = (int((said[answer] == label).sum()) for answer in ("coarse", "mask"))
            looks.append(ImageErrors(float(said["difficulty"].max()), int((label != VOID).sum()), *right))
    return samples, looks, difficulty
