"""What the settings `auto` of a recipe become: by the shares of the classes, which were counted with the data."""

from dataclasses import dataclass, replace

import numpy as np

from casnet_cli import recipe as recipes
from casnet_cli.data.rare_classes import rare_classes
from casnet_cli.data.store import Store, Subset
from casnet_cli.recipe import Recipe
from casnet_cli.util.text import percent
from casnet_cli.workflows.recipe_choice import Choice

CROPS = 0.5
"""Share of the crops that hold a rare class."""
CELLS, LARGEST = 2, 2.0
"""A small class is enlarged until it is so many cells of the feature map wide, and by this factor at most."""
STEP = 0.25
"""Factors are multiples of this."""


@dataclass(frozen=True)
class RareClasses:
    """The rare classes of the training images."""

    words: str
    """The first of them and their shares, for the user; empty: there are none."""
    counted: bool
    """Whether the data say which image shows which class."""
    width: float
    """Root of the pixels that the smallest of them has in an image that shows it, in the median; 0: not known."""


def with_data(choice: Choice, fold: int | None = None) -> Choice:
    """The choice with its settings `auto`, and the enlargement, in numbers; and a reason that says what was chosen.

    fold: its images do not count. Raises DataError, RecipeError.
    """
    recipe = choice.recipe
    loss, crops, enlarge = recipe.training.loss, recipe.augmentation.class_crops, recipe.data.enlarge
    if "auto" not in (loss, crops, enlarge) and enlarge == 1:
        return choice
    rare, chosen = _found(Store(choice.data), fold), []
    if loss == "auto":
        loss = "dice" if rare.words else "cross_entropy"
        chosen += ["a Dice part in the loss"] if rare.words else []
    if crops == "auto":
        crops = CROPS if rare.words and rare.counted else 0.0
        chosen += [f"{percent(crops)} % of the crops hold a rare class"] if crops else []
    if enlarge == "auto":
        enlarge = _factor(rare.width, recipe)
        chosen += [f"images {enlarge:g} times as large"] if enlarge > 1 else []
    low, high = (factor * enlarge for factor in recipe.augmentation.scales)
    settings = [
        f"training.loss={loss}",
        f"augmentation.class_crops={crops}",
        "data.enlarge=1.0",
        f"augmentation.scales=[{low}, {high}]",
        f"evaluation.scale={recipe.evaluation.scale * enlarge}",
    ]
    reason = f"{choice.reason}; {rare.words}: {', '.join(chosen)}" if chosen else choice.reason
    return replace(choice, recipe=recipes.changed(recipe, settings), reason=reason)


def _found(store: Store, fold: int | None) -> RareClasses:
    pixels = store.training_pixels(fold)
    rare = rare_classes(pixels)
    if not rare:
        return RareClasses("", False, 0.0)
    shares = [f"{store.labels.names[k]} has {percent(pixels[k] / sum(pixels))} % of the pixels" for k in rare[:3]]
    further = [f"{len(rare) - 3} classes more are rare"] if len(rare) > 3 else []
    images = Subset(store, "train", tuple(range(len(store.names["train"]))))
    if not images.has_class_pixels:
        return RareClasses(", ".join(shares + further), False, 0.0)
    counts = images.class_pixels()
    widths = [float(np.sqrt(np.median(own[own > 0]))) for own in counts[:, rare].T if own.any()]
    return RareClasses(", ".join(shares + further), True, min(widths, default=0.0))


def _factor(width: float, recipe: Recipe) -> float:
    """By what to enlarge images in which a class is so many pixels wide; 1: not at all."""
    if not width:
        return 1.0
    wished = CELLS * recipe.model.output_stride / width
    room = 4 / recipe.evaluation.scale  # evaluation.scale is 4 at most
    return float(max(1.0, min(LARGEST, room, round(wished / STEP) * STEP)))
