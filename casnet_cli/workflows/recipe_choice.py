"""Which recipe and which data `casnet train` takes if no option names them."""

from dataclasses import dataclass, replace
from pathlib import Path

from casnet_cli import backend, paths
from casnet_cli import recipe as recipes
from casnet_cli.data import sources
from casnet_cli.errors import DataError, RecipeError
from casnet_cli.paths import existing_data
from casnet_cli.recipe import ModelSection, Recipe
from casnet_cli.util.files import no_file
from casnet_cli.util.shell import typed

TEMPLATE = "folder"
"""The recipe for data sets of one's own."""
INPUT_BANDS = "model.input_bands"


@dataclass(frozen=True)
class Choice:
    """A recipe and the data to train on."""

    name: str
    """Of the recipe, or of the data for the template of one's own; the run folder is named by it."""
    recipe: Recipe
    """With all overrides applied."""
    data: Path
    """The prepared file."""
    reason: str
    """One sentence for the user: which recipe and data, and why."""
    recipe_name: str | None = None
    """Name of the recipe itself, for the template too; None: not known."""


def choose(recipe: str | None, data: Path | None, overrides: list[str], project: Path | None = None) -> Choice:
    """The named recipe on its data, or the best recipe that this machine can run on the project's or the newest data.

    project: the project file; None: `casnet.toml`, if it is there. Raises RecipeError, DataError, InputError.
    """
    data = data and existing_data(data)
    if recipe is not None:
        file = recipes.find(recipe)
        resolved = recipes.load(file, overrides)
        data = data or data_of(resolved, project)
        weights = resolved.model.weights
        if weights not in ("imagenet", "none") and not Path(weights).is_file():
            wrong = no_file(Path(weights))
            raise RecipeError(f"{recipe}: model.weights: {weights}: {wrong} (imagenet, none, or a weight file)")
        return Choice(_run_name(file.stem, data), resolved, data, f"recipe {recipe} on {data}", file.stem)
    named = recipes.load(recipes.find(TEMPLATE), overrides)  # this template names no data itself
    data_reason = "named by an option"
    if not data and not named.data.name:
        from casnet_cli.workflows.project import FILE, prepared_file

        data = prepared_file(project)
        data_reason = f"of {project or FILE}" if data else "the data set prepared last"
    data = data or data_of(named)
    from casnet_cli.data.store import Store

    name, recipe_reason = _suited(Store(data).name)
    resolved = recipes.load(recipes.find(name), overrides)
    reason = f"recipe {name} ({recipe_reason}) on {data} ({data_reason})"
    return Choice(_run_name(name, data), resolved, data, reason, name)


def _run_name(recipe: str, data: Path) -> str:
    """The name of a recipe's runs: of the template of one's own that of the data set. Raises DataError."""
    if recipe != TEMPLATE:
        return recipe
    from casnet_cli.data.store import Store

    return Store(data).name


def data_of(recipe: Recipe, project: Path | None = None) -> Path:
    """The prepared data set that a recipe names, else the project's, else the newest. Raises DataError if it is not
    there, and as `prepared_file` does."""
    if not recipe.data.name:
        from casnet_cli.workflows.project import prepared_file

        return prepared_file(project) or paths.newest_data()
    data = paths.DATA / f"{recipe.data.name}.h5"
    if not data.is_file():
        known = recipe.data.name in sources.SOURCES
        how = f"run `casnet prepare {typed(recipe.data.name)}`, or name a file" if known else "name the prepared file"
        raise DataError(f"{data}: not there ({how} by --data)")
    return data


def with_bands(choice: Choice, overrides: list[str]) -> Choice:
    """The choice with `model.input_bands` as its data have, unless that is so already.

    overrides: those that the user gave. Raises RecipeError if the recipe names another number than the default, or
    `overrides` do. Raises DataError.
    """
    from casnet_cli.data.pixels.take import in_words
    from casnet_cli.data.store import Store

    own, bands = choice.recipe.model.input_bands, Store(choice.data).intensities.bands
    if own == len(bands):
        return choice
    given = any(text.partition("=")[0].strip() == INPUT_BANDS for text in overrides)
    if given or own != ModelSection().input_bands:
        raise RecipeError(f"{INPUT_BANDS}: {own}, and {choice.data} has {in_words(bands)} (leave the key out)")
    recipe = recipes.changed(choice.recipe, [f"{INPUT_BANDS}={len(bands)}"])
    return replace(choice, recipe=recipe, reason=f"{choice.reason}, with {INPUT_BANDS} = {len(bands)} as the data have")


UNKNOWN_CLASSES = 21
"""Classes of a network for a data set that is not there: as many as PASCAL VOC has."""


def class_count(data: str) -> tuple[int, str]:
    """The number of classes of a data set that need not be prepared, and in words where the number comes from."""
    if data in sources.SOURCES:
        return len(sources.find(data).labels), f"those of {data}"
    return UNKNOWN_CLASSES, "a guess, there being no data"


def _suited(data: str) -> tuple[str, str]:
    """The recipe named like the data set if it can run here, else its lite one, else the template; and why."""
    shipped, reason = recipes.names(), "made for this data set"
    if data in shipped:
        obstacle = _obstacle(recipes.load(recipes.find(data)))
        if not obstacle:
            return data, reason
        reason = f"{data} itself needs {obstacle}"
    if f"{data}-lite" in shipped:
        return f"{data}-lite", reason
    return TEMPLATE, "the template for data sets of one's own"


def _obstacle(recipe: Recipe) -> str | None:
    """What keeps a recipe from running here, if anything."""
    if recipe.model.backbone.startswith("efficientnet-lite"):
        return None
    if not backend.has_gpu():
        return "a GPU, and there is none here"
    file = paths.keras_weights_folder() / f"{recipe.model.backbone}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    if recipe.model.weights == "imagenet" and not file.exists() and not weights_server_reachable():
        return f"{file}, which is neither there nor to be had"
    return None


def weights_server_reachable() -> bool:
    """Whether the server of Keras's ImageNet weights can be reached; any status will do."""
    import requests

    try:
        requests.head("https://storage.googleapis.com/tensorflow/keras-applications/", timeout=3)
    except requests.RequestException:
        return False
    return True
