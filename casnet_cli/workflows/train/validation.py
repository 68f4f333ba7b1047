"""Metrics of a network in training on the held-out images."""

import dataclasses
from collections.abc import Callable

import numpy as np

from casnet_cli.data.store import Subset
from casnet_cli.errors import DataError
from casnet_cli.inference.protocol import LabelledImage, PixelOutputs
from casnet_cli.runs.progress import CLASS, Validation, score_key
from casnet_cli.workflows.train.setup import TrainingSetup

OnImage = Callable[[LabelledImage, PixelOutputs], None]


def validate(setup: TrainingSetup, sampler: Callable[[Subset], OnImage]) -> Validation:
    """Metrics on the held-out images, which the workers share.

    sampler: makes of this worker's images a function that is called with each of them and its outputs. Raises DataError
    if no pixel is labelled, or none of the class that chooses the best checkpoint.
    """
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.evaluator import evaluate, predict_samples
    from casnet_cli.evaluation.lost_classes import in_words, lost_classes

    setup.state.step.sync()
    setup.predictor.refresh()
    part, store = setup.plan.val_part, setup.plan.store
    share = Subset(part.store, part.group, part.positions[setup.devices.index :: setup.devices.workers])
    predicted = predict_samples(setup.predictor, whole_images(share))
    evaluation = evaluate(predicted, store.labels, on_image=sampler(share))
    matrices = _summed(setup, evaluation.matrices)
    metrics = dataclasses.replace(evaluation, matrices=matrices).metrics()
    if metrics.pixel_accuracy is None:
        raise DataError(f"{store.path}: the validation images have no labelled pixel")
    found: dict[str, float] = {key: getattr(metrics, key) for key in ("pixel_accuracy", "class_accuracy", "mean_iou")}
    coarse, fine = metrics.branches["coarse"], metrics.branches["fine"]
    if coarse and fine and coarse.pixel_accuracy is not None:
        found["coarse_pixel_accuracy"] = coarse.pixel_accuracy
    best, ious = setup.plan.recipe.evaluation.best, {row.name: row.iou for row in metrics.per_class}
    if best.startswith(CLASS):
        iou = ious[best.removeprefix(CLASS)]
        if iou is None:
            raise DataError(f"{store.path}: no validation image shows the class of evaluation.best = {best!r}")
        found["class_iou"] = iou
    lost = in_words(lost_classes(matrices["fused"], store.labels.names))
    return Validation(found, found[score_key(best)], ious, lost)


def _summed(setup: TrainingSetup, own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Confusion matrices of all workers' images together."""
    if setup.devices.workers == 1:
        return own
    from casnet_cli.model.casnet import BRANCHES

    shape = own["fused"].shape
    names = [name for name in BRANCHES[setup.plan.recipe.model.variant] if name != "attention"]
    stacked = np.stack([own.get(name, np.zeros(shape)) for name in (*names, "fused")])
    return dict(zip((*names, "fused"), setup.devices.sum(stacked).astype(np.int64), strict=True))
