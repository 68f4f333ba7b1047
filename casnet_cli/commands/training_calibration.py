"""The end of a training: a temperature that makes the best checkpoint's probabilities mean what they say."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from casnet_cli import console
from casnet_cli.data.store import Subset


def calibrate(best: Path, images: Subset) -> None:
    """Fit the temperature of `best` on validation images and keep it in the checkpoint, unless that was done before."""
    from casnet_cli.data.pipeline import whole_images
    from casnet_cli.evaluation.calibration import PIXELS, chosen_pixels, fit_temperature, generator
    from casnet_cli.model.answers import Protocol, scoring
    from casnet_cli.training.checkpoint import amend, load_model, read_meta

    if not best.is_file() or read_meta(best).calibration:
        return
    model, meta = load_model(best)
    scores = scoring(model, Protocol(scale=meta.recipe.evaluation.scale))
    most = -(-PIXELS // len(images))

    def samples() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for place, sample in enumerate(whole_images(images)):
            pixels = chosen_pixels(sample.label, most, generator(place))
            if len(pixels):
                yield scores(sample.image).reshape(-1, len(meta.labels))[pixels], sample.label.ravel()[pixels]

    temperature = fit_temperature(samples())
    amend(best, {"temperature": temperature, "images": len(images)})
    told = "none fits" if temperature is None else f"{temperature:.2f}"
    console.detail(f"{best}: temperature {told}, fitted on {console.count(len(images), 'validation image')}")
