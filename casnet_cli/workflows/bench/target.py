"""What `casnet bench` measures: a run or a recipe, and the data that go with it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import recipe as recipes
from casnet_cli.errors import DataError, RunError
from casnet_cli.recipe import Recipe
from casnet_cli.runs import locate

if TYPE_CHECKING:
    from casnet_cli.data.store import Store, Subset
    from casnet_cli.labels import LabelSet


@dataclass(frozen=True)
class BenchTarget:
    """checkpoint: whose weights, if any. labels: None where the data set is not known.

    parts: of the data by split, {} where there are none; `without` then says why.
    """

    title: str
    recipe: Recipe
    classes: int
    checkpoint: Path | None = None
    labels: "LabelSet | None" = None
    parts: "dict[str, Subset]" = field(default_factory=dict)
    without: str = ""

    def images(self, what: str) -> "Subset | None":
        """The images that `input` or `predict` works on."""
        return self.parts.get("train") if what == "input" else self.parts.get("test", self.parts.get("val"))

    def obstacle(self, what: str) -> str:
        """Why `input` or `predict` cannot be measured; empty if it can."""
        if self.images(what):
            return ""
        return self.without or f"the data hold no {'training' if what == 'input' else 'test or val'} images"


def find(run: Path | None, recipe: str | None, overrides: list[str], data: Path | None) -> BenchTarget:
    """A recipe if one is named, else a run, by default the newest. Raises RecipeError, RunError or DataError."""
    return _of_run(run, overrides, data) if recipe is None else _of_recipe(recipe, overrides, data)


def _of_recipe(name: str, overrides: list[str], data: Path | None) -> BenchTarget:
    chosen = recipes.load(recipes.find(name), overrides)
    from casnet_cli.data.store import Store
    from casnet_cli.workflows.recipe_choice import class_count, data_of

    try:
        file = data or data_of(chosen)
    except DataError as error:
        classes, whose = class_count(chosen.data.name)
        return BenchTarget(f"recipe {name} with {classes} classes ({whose})", chosen, classes, without=str(error))
    return _with_data(f"recipe {name}", chosen, None, Store(file), None)


def _of_run(run: Path | None, overrides: list[str], data: Path | None) -> BenchTarget:
    file = locate.checkpoint_of(run or locate.newest_run())  # a mistake here answers before the slower imports
    from casnet_cli.runs import trained

    found = trained.find_run(file)
    meta = found.meta
    chosen = recipes.changed(meta.recipe, overrides)
    if chosen.model != meta.recipe.model:
        raise RunError(f"{file}: a trained network stays as it is (other settings of model by --recipe)")
    try:
        store = trained.open_run_data(found, data)
    except (DataError, RunError) as error:
        if data:
            raise
        return BenchTarget(found.title, chosen, len(meta.labels), file, meta.labels, without=str(error))
    return _with_data(found.title, chosen, file, store, meta.fold)


def _with_data(title: str, chosen: Recipe, checkpoint: Path | None, store: "Store", fold: int | None) -> BenchTarget:
    parts = store.parts(fold, chosen.data.validation_fraction, chosen.training.seed)
    return BenchTarget(f"{title} on {store.path}", chosen, len(store.labels), checkpoint, store.labels, parts)
