"""What a training is to do, and data that it cannot be done with."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from helpers.checkpoints import meta_after
from helpers.datasets import LABELS, blocks, write_blocks

from casnet_cli import recipe as recipes
from casnet_cli.data import store as stores
from casnet_cli.data.addition import Addition
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, RecipeError
from casnet_cli.labels import VOID
from casnet_cli.workflows.recipe_choice import Choice
from casnet_cli.workflows.train.plan import RunPlan, Start


def plan(store: Store, *settings: str, fold: int | None = None) -> RunPlan:
    recipe = recipes.load(recipes.find("folder"), settings)
    return RunPlan.of(Choice("folder", recipe, store.path, ""), store, fold)


def test_images_steps_and_fold(tmp_path: Path) -> None:
    store = Store(write_blocks(tmp_path / "blocks.h5", {"train": 10, "val": 3}))
    found = plan(store, "training.batch_size=4", "training.epochs=7", "evaluation.every_epochs=2")
    assert (len(found.train_part), len(found.val_part), found.fold) == (10, 3, None)
    assert (found.length.steps_per_epoch, found.length.steps, found.length.every_epochs) == (2, 14, 2)
    assert found.schedule().steps == 14
    folded = Store(write_blocks(tmp_path / "folded.h5", {"train": 12}, folds=3))
    assert plan(folded, "training.batch_size=4").fold == 1, "of several the first"
    assert plan(folded, "training.batch_size=4", fold=2).fold == 2


def test_where_a_training_starts(tmp_path: Path) -> None:
    store = Store(write_blocks(tmp_path / "blocks.h5", {"train": 12, "val": 3}))
    found = plan(store, "training.batch_size=4", "training.epochs=2")
    fresh, half = Start(), Start(saved=meta_after(store, found.recipe, 1))
    assert fresh.progress().step == 0 and not fresh.finished(found)
    assert half.progress().step == 3 and half.schedule(found).best == 0.5 and not half.finished(found)
    assert Start(saved=meta_after(store, found.recipe, 2)).finished(found)
    assert Start(saved=meta_after(store, found.recipe, 1, ended=True)).finished(found)


def test_images_that_are_held_out_from_weights_that_know_them(tmp_path: Path) -> None:
    first = Store(write_blocks(tmp_path / "blocks.h5", {"train": 40}))
    entries = [Entry("train", f"new-{k}", partial(blocks, 90 + k)) for k in range(20)]
    addition = Addition(first, Source("more", LABELS, lambda root: entries, ""))
    stores.write(tmp_path / "later.h5", addition.united(), addition.entries(Path()), {})
    later, begun_with = Store(tmp_path / "later.h5"), meta_after(first, plan(first).recipe, 1)
    assert plan(later).held_out_in_vain(begun_with) == 0
    assert plan(later, "training.seed=1").held_out_in_vain(begun_with) > 0
    assert plan(later, "data.validation_fraction=0.5").held_out_in_vain(begun_with) == 20 - 4
    assert plan(Store(write_blocks(tmp_path / "other.h5", {"train": 39}))).held_out_in_vain(begun_with) == 0
    folded = Store(write_blocks(tmp_path / "folded.h5", {"train": 40}, folds=4))
    begun_with = replace(meta_after(folded, plan(folded).recipe, 1), fold=1)
    assert plan(folded, fold=1).held_out_in_vain(begun_with) == 0
    assert plan(folded, fold=2).held_out_in_vain(begun_with) >= 10 - 3, "of ten, three at most were held out before"


def test_too_few_images(tmp_path: Path) -> None:
    store = Store(write_blocks(tmp_path / "blocks.h5", {"train": 12, "val": 3}))
    with pytest.raises(DataError, match="12 training images, fewer than training.batch_size = 13"):
        plan(store, "training.batch_size=13")
    single = Store(write_blocks(tmp_path / "single.h5", {"train": 1}))
    with pytest.raises(DataError, match="has no (train|val) images left"):
        plan(single, "training.batch_size=1")


def test_a_class_that_chooses_the_best_checkpoint_is_one_of_the_data(tmp_path: Path) -> None:
    store = Store(write_blocks(tmp_path / "blocks.h5", {"train": 12, "val": 3}))
    assert plan(store, "evaluation.best='class:blue'").recipe.evaluation.best == "class:blue"
    with pytest.raises(RecipeError, match=r"evaluation.best: blocks has no class 'bleu' \(one of red, green, blue\)"):
        plan(store, "evaluation.best='class:bleu'")


def test_no_labelled_pixel(tmp_path: Path) -> None:
    def unlabelled() -> Sample:
        sample = blocks(0)
        return Sample(sample.image, np.full_like(sample.label, VOID))

    entries = [Entry(split, f"{split}/{k}", unlabelled) for split in ("train", "val") for k in range(4)]
    source = Source("void", LABELS, lambda root: entries, "")
    stores.write(tmp_path / "void.h5", source, entries, {"source": "", "source_sha256": "", "source_stamp": ""})
    with pytest.raises(DataError, match="no pixel of it is labelled"):
        plan(Store(tmp_path / "void.h5"), "training.batch_size=2")
