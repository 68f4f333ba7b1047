"""What the settings `auto` become, by the shares of the classes."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.counted import write_labels

from casnet_cli import recipe as recipes
from casnet_cli.recipe import Recipe
from casnet_cli.workflows.rare_settings import with_data
from casnet_cli.workflows.recipe_choice import Choice


def data(path: Path, side: int, images: int = 4) -> Path:
    """Images of 60 x 60 pixels of sky; of cow a square of so many pixels a side in every other one."""
    labels = []
    for k in range(images):
        ids = np.zeros((60, 60), int)
        ids[5 : 5 + side * (k % 2), 7 : 7 + side] = 2
        labels.append(("train", ids.tolist()))
    write_labels(path, [*labels, ("val", [[0, 1]])]).file.close()
    return path


def choice(path: Path, recipe: str = "folder", *settings: str) -> Choice:
    return Choice(recipe, recipes.load(recipes.find(recipe), settings), path, "a reason")


def settled(recipe: Recipe) -> tuple[object, ...]:
    section = recipe.augmentation
    return recipe.training.loss, section.class_crops, recipe.data.enlarge, section.scales, recipe.evaluation.scale


def test_a_rare_and_small_class_changes_loss_crops_and_scale(tmp_path: Path) -> None:
    found = with_data(choice(data(tmp_path / "x.h5", 8)))
    assert settled(found.recipe) == ("dice", 0.5, 1.0, (1.5, 3.0), 2.0)
    assert found.reason == (
        "a reason; cow has 0.9 % of the pixels: a Dice part in the loss, 50.0 % of the crops hold a rare class, "
        "images 2 times as large"
    )
    assert with_data(found) == found, "once is enough"


def test_a_rare_class_of_two_cells_is_not_enlarged_and_one_in_between_a_little(tmp_path: Path) -> None:
    wide = choice(data(tmp_path / "x.h5", 18), "folder", "model.output_stride=8")
    assert settled(with_data(wide).recipe) == ("dice", 0.5, 1.0, (0.75, 1.5), 1.0)
    between = choice(data(tmp_path / "x.h5", 11), "folder", "model.output_stride=8")
    assert settled(with_data(between).recipe) == ("dice", 0.5, 1.0, (1.125, 2.25), 1.5)


def test_where_no_class_is_rare_the_recipe_is_plain(tmp_path: Path) -> None:
    found = with_data(choice(data(tmp_path / "x.h5", 30)))
    assert settled(found.recipe) == ("cross_entropy", 0.0, 1.0, (0.75, 1.5), 1.0) and found.reason == "a reason"


def test_what_is_set_is_kept(tmp_path: Path) -> None:
    file = data(tmp_path / "x.h5", 8)
    given = choice(file, "folder", "training.loss=lovasz", "augmentation.class_crops=0.25", "data.enlarge=1.5")
    found = with_data(given)
    assert settled(found.recipe) == ("lovasz", 0.25, 1.0, (1.125, 2.25), 1.5) and found.reason == "a reason"
    paper = choice(file, "sift-flow")
    assert with_data(paper) is paper


@pytest.mark.parametrize("images", [4, 12])
def test_older_data_have_no_crops_and_are_not_enlarged(tmp_path: Path, images: int) -> None:
    file = data(tmp_path / "x.h5", 8, images)
    with h5py.File(file, "r+") as opened:
        del opened["train/class_pixels"]
    found = with_data(choice(file))
    assert settled(found.recipe) == ("dice", 0.0, 1.0, (0.75, 1.5), 1.0)
