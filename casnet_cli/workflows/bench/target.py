"""What `casnet bench` measures: a run or a recipe, and the data that go with it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import recipe as recipes
from casnet_cli.errors import DataError, RunError
from casnet_cli.recipe import Recipe
from casnet_cli.runs import locate

if TYPE_CHECKING:
    import numpy as np

    from casnet_cli.data.intensities import Intensities
    from casnet_cli.data.store import Store, Subset
    from casnet_cli.labels import LabelSet


@dataclass(frozen=True)
class BenchTarget:
    """A network and the images to measure it on."""

    title: str
    """As messages name it."""
    recipe: Recipe
    """Describes the network and its training."""
    classes: int
    """Number of classes."""
    intensities: "Intensities"
    """What the images hold; of a data set that is not known 8-bit RGB."""
    checkpoint: Path | None = None
    """Its weights; None: random ones."""
    labels: "LabelSet | None" = None
    """The classes; None: the data set is not known."""
    parts: "dict[str, Subset]" = field(default_factory=dict)
    """Images of the data by split; empty: there are none."""
    without: str = ""
    """Why there are no images."""

    def images(self, what: str) -> "Subset | None":
        """The images on which `input` or `predict` is measured."""
        return self.parts.get("train") if what == "input" else self.parts.get("test", self.parts.get("val"))

    def obstacle(self, what: str) -> str:
        """Why `input` or `predict` cannot be measured; empty if it can."""
        if self.images(what):
            return ""
        return self.without or f"the data hold no {'training' if what == 'input' else 'test or val'} images"


def find_target(run: Path | None, recipe: str | None, overrides: list[str], data: Path | None) -> BenchTarget:
    """A recipe if one is named, else a run, by default the newest. Raises RecipeError, RunError or DataError."""
    return _of_run(run, overrides, data) if recipe is None else _of_recipe(recipe, overrides, data)


def _of_recipe(name: str, overrides: list[str], data: Path | None) -> BenchTarget:
    resolved = recipes.load(recipes.find(name), overrides)
    from casnet_cli.data.intensities import PLAIN
    from casnet_cli.data.store import Store
    from casnet_cli.workflows.rare_settings import with_data
    from casnet_cli.workflows.recipe_choice import Choice, class_count, data_of, with_bands

    try:
        file = data or data_of(resolved)
    except DataError as error:
        classes, whose = class_count(resolved.data.name)
        title = f"recipe {name} with {classes} classes ({whose})"
        return BenchTarget(title, resolved, classes, PLAIN, without=str(error))
    choice = with_data(with_bands(Choice(name, resolved, file, ""), overrides))
    return _with_data(f"recipe {name}", choice.recipe, None, Store(file), None)


def _of_run(run: Path | None, overrides: list[str], data: Path | None) -> BenchTarget:
    file = locate.checkpoint_of(run or locate.newest_run())  # a mistake here shows before the slower imports
    from casnet_cli.runs import trained

    trained_run = trained.find_run(file)
    meta = trained_run.meta
    resolved = recipes.changed(meta.recipe, overrides)
    if resolved.model != meta.recipe.model:
        raise RunError(f"{file}: a trained network stays as it is (other settings of model by --recipe)")
    try:
        store = trained.open_run_data(trained_run, data)
    except (DataError, RunError) as error:
        if data:
            raise
        return BenchTarget(
            trained_run.title, resolved, len(meta.labels), meta.intensities, file, meta.labels, without=str(error)
        )
    return _with_data(trained_run.title, resolved, file, store, meta.fold)


def _with_data(title: str, resolved: Recipe, checkpoint: Path | None, store: "Store", fold: int | None) -> BenchTarget:
    parts = store.parts(fold, resolved.data.validation_fraction, resolved.training.seed)
    title = f"{title} on {store.path}"
    return BenchTarget(title, resolved, len(store.labels), store.intensities, checkpoint, store.labels, parts)


def random_image(size: tuple[int, ...], intensities: "Intensities") -> "np.ndarray":
    """(H, W, N) of that height and width, spread over the range of each band."""
    import numpy as np

    rng = np.random.default_rng(0)
    if intensities.plain:
        return rng.integers(0, 256, (*size, 3), np.uint8)
    values = rng.uniform(intensities.low, intensities.high, (*size, len(intensities.bands)))
    return values.astype(intensities.dtype)
