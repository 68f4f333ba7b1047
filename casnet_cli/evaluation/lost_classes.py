"""Classes of which a network finds no pixel, and what mends it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casnet_cli.recipe import Recipe
from casnet_cli.util.text import percent

SAID = 3
"""So many lost classes are named with their share."""


@dataclass(frozen=True)
class LostClass:
    """A class that occurs in the truth and of which no pixel is found: its IoU is 0."""

    name: str
    """The class."""
    share: float
    """Its share of the labelled pixels."""
    predicted: int
    """Pixels that are predicted as it, all of them wrongly."""

    def words(self) -> str:
        """For the user."""
        what = f"predicted at {self.predicted:,} wrong pixels" if self.predicted else "never predicted"
        return f"{self.name} ({percent(self.share)} % of the pixels) is {what}"


def lost_classes(matrix: np.ndarray, names: Sequence[str]) -> list[LostClass]:
    """The lost classes in the order of their ids. matrix: (K, K) pixels, rows = truth. names: of the K classes."""
    truth, claimed, right = matrix.sum(1), matrix.sum(0), np.diagonal(matrix)
    total = max(1, int(truth.sum()))
    lost = (truth > 0) & (right == 0)
    return [LostClass(names[k], int(truth[k]) / total, int(claimed[k])) for k in range(len(names)) if lost[k]]


def notice(matrix: np.ndarray, names: Sequence[str], recipe: Recipe) -> str:
    """The lost classes and what to do, for the user; empty if there are none. Arguments are those of the others."""
    lost = lost_classes(matrix, names)
    return f"{in_words(lost)}: {remedy(recipe)}" if lost else ""


def in_words(lost: Sequence[LostClass]) -> str:
    """The lost classes for the user, all by name."""
    first = "; ".join(one.words() for one in lost[:SAID])
    further = ", ".join(one.name for one in lost[SAID:])
    return f"{first}; no pixel is found of {further} either" if further else first


def remedy(recipe: Recipe) -> str:
    """What to do about lost classes, as far as the recipe has not done it."""
    settings = []
    if recipe.training.loss in ("auto", "cross_entropy"):
        settings.append("training.loss=dice")
    if recipe.augmentation.class_crops in ("auto", 0):
        settings.append("augmentation.class_crops=0.5")
    if recipe.evaluation.scale == 1:
        settings.append("data.enlarge=auto")
    if recipe.evaluation.best == "pixel_accuracy":
        settings.append("evaluation.best=mean_iou")
    if settings:
        return "train with " + " ".join(f"--set {text}" for text in settings)
    longer = f"--set training.epochs={2 * recipe.training.epochs}"
    return f"train longer ({longer}), or label more pictures that show it (`casnet rank` finds some)"
