"""The end of a training: what is fitted on validation images, so that `predict` knows how far it can be trusted."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from casnet_cli import backend, console
from casnet_cli.data.store import Subset
from casnet_cli.runs.checkpoint import amend, read_meta
from casnet_cli.runs.checkpoint_record import Calibration
from casnet_cli.runs.locate import RunLayout
from casnet_cli.runs.trained import TrainedRun
from casnet_cli.util.text import count

if TYPE_CHECKING:
    from casnet_cli.evaluation.early_exit import ImageErrors
    from casnet_cli.inference.keras_predictor import KerasPredictor


def calibrate(best: Path, images: Subset, make_predictor: "Callable[[], KerasPredictor]") -> None:
    """Fit on validation images what `predict` goes by, and keep it in the checkpoint, unless that was done before.

    make_predictor: makes the predictor of that checkpoint.

    Fitted are the keys of `runs.checkpoint_record.Calibration`.
    """
    from casnet_cli.evaluation.calibration import fit_temperature, selective
    from casnet_cli.evaluation.early_exit import curve, threshold

    if not best.is_file() or is_calibrated(best):
        return
    recipe = read_meta(best).recipe
    backend.start()
    from casnet_cli.inference.outputs import BRANCHES, PROBABILITIES

    predictor = make_predictor().with_outputs(recipe.evaluation.scale, BRANCHES | PROBABILITIES)
    found = _measure(predictor, images, with_branches=recipe.model.variant == "attention")
    temperature = fit_temperature(found.samples)
    easy = threshold(curve(found.errors))
    calibration: Calibration = {
        "temperature": temperature,
        "images": len(images),
        "difficulty": found.difficulty,
        "selective": [  # thresholds rounded down: else the surest pixels would not reach theirs
            (math.floor(least * 1e6) / 1e6, round(share, 6), round(accuracy, 6))
            for least, share, accuracy in selective(found.samples, temperature)
        ],
        "easy": {"below": easy.easy_below, "share": easy.share, "loss": easy.loss} if easy else None,
    }
    amend(best, calibration)
    number = "none fits" if temperature is None else f"{temperature:.2f}"
    console.detail(f"{best}: temperature {number}, fitted on {count(len(images), 'validation image')}")


def calibrate_run(run: Path, images: Subset) -> None:
    """Calibrate the best checkpoint of a run folder. Raises RunError."""
    best = RunLayout(run).best

    def load() -> "KerasPredictor":
        from casnet_cli.inference.loading import open_predictor

        return open_predictor(TrainedRun(best, read_meta(best), run))

    calibrate(best, images, load)


def is_calibrated(best: Path) -> bool:
    """Whether a checkpoint has all that `calibrate` puts into it. Raises RunError."""
    return read_meta(best).calibration.keys() >= Calibration.__annotations__.keys()


@dataclass
class _Measured:
    """Of the validation images."""

    samples: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    """Log-probabilities (N, K) and classes (N,) of some labelled pixels of each image."""
    errors: "list[ImageErrors]" = field(default_factory=list)
    """How right both branches are in each image."""
    difficulty: list[float] = field(default_factory=list)
    """Mean difficulty of each image."""


def _measure(predictor: "KerasPredictor", images: Subset, with_branches: bool) -> _Measured:
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.calibration import PIXELS, chosen_pixels, generator
    from casnet_cli.evaluation.early_exit import ImageErrors
    from casnet_cli.labels import VOID

    most, tiny = -(-PIXELS // len(images)), np.finfo(np.float32).tiny
    found = _Measured()
    for place, sample in enumerate(whole_images(images)):
        outputs, label = predictor.predict(sample.image), sample.label
        p = outputs["probabilities"]
        found.difficulty.append(round(float(outputs["difficulty"].mean()), 5))
        pixels = chosen_pixels(label, most, generator(place))
        if len(pixels):
            scores = np.log(np.maximum(p.reshape(len(p), -1)[:, pixels].T, tiny))
            found.samples.append((scores, label.ravel()[pixels]))
        if with_branches:
            right = (int((outputs[branch] == label).sum()) for branch in ("coarse", "mask"))
            largest = float(outputs["difficulty"].max())
            found.errors.append(ImageErrors(largest, int((label != VOID).sum()), *right))
    return found
