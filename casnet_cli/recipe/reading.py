"""Recipes: reading TOML, dotted overrides, and all faults of a recipe at once."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from casnet_cli import paths
from casnet_cli.errors import RecipeError, reason
from casnet_cli.recipe.sections import Recipe, Section
from casnet_cli.util.parsing import toml_of
from casnet_cli.util.toml_text import in_words, nearest, toml, tuples
from casnet_cli.util.visible import few

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SECTIONS: dict[str, type[Section]] = {name: field.annotation for name, field in Recipe.model_fields.items()}  # type: ignore[misc]
KEYS = [f"{section}.{key}" for section, schema in SECTIONS.items() for key in schema.model_fields]


def names() -> list[str]:
    """The shipped recipes."""
    return sorted(file.stem for file in paths.recipes_folder().glob("*.toml"))


def find(name: str) -> Path:
    """A shipped recipe by name, or any recipe by path. Raises RecipeError naming the nearest one."""
    shipped = paths.recipes_folder() / f"{name}.toml"
    if shipped.is_file() and "/" not in name:
        return shipped
    if Path(name).is_file():
        return Path(name)
    raise RecipeError(f"{name}: no such recipe ({nearest(name, names())}, or a path)")


def load(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a TOML recipe and apply `section.key=value` overrides. Raises RecipeError with every fault found."""
    try:
        raw = toml_of(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: not a readable TOML recipe: {reason(error)}") from None
    faults: list[str] = []
    origin: dict[str, str] = {}
    for text in overrides:
        _override(raw, text, origin, faults)
    return _validate(raw, str(path), origin, faults)


def changed(recipe: Recipe, overrides: Iterable[str]) -> Recipe:
    """The recipe with `section.key=value` overrides applied. Raises RecipeError with every fault found."""
    raw = toml_of(dumps(recipe).encode())
    faults: list[str] = []
    origin: dict[str, str] = {}
    for text in overrides:
        _override(raw, text, origin, faults)
    return _validate(raw, "--set", origin, faults)


def loads(text: str, where: str) -> Recipe:
    """A recipe from TOML text, such as a checkpoint's. Raises RecipeError."""
    try:
        return _validate(toml_of(text.encode()), where, {}, [])
    except ValueError as error:
        raise RecipeError(f"{where}: not a readable TOML recipe: {reason(error)}") from None


def dumps(recipe: Recipe) -> str:
    """The resolved recipe as TOML: every section, every key."""
    lines = []
    for section, values in recipe.model_dump().items():
        lines += [f"[{section}]", *(f"{key} = {toml(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def differences(old: Recipe, new: Recipe) -> list[str]:
    """Keys that differ, as `section.key: old → new`."""
    before, after = old.model_dump(), new.model_dump()
    return [
        f"{section}.{key}: {toml(before[section][key])} → {toml(value)}"
        for section, values in after.items()
        for key, value in values.items()
        if before[section][key] != value
    ]


def _override(raw: dict[str, Any], text: str, origin: dict[str, str], faults: list[str]) -> None:
    key, equals, value = text.partition("=")
    section, dot, name = key.strip().partition(".")
    if not equals or not dot or "." in name:
        faults.append(f"--set {text}: not of the form section.key=value (for example training.epochs=10)")
        return
    try:
        parsed = toml_of(f"value = {value}".encode())["value"]
    except ValueError:
        parsed = value.strip()
    origin[f"{section}.{name}"] = f"--set {text}"
    table = raw.setdefault(section, {})
    if isinstance(table, dict):
        table[name] = parsed


def _validate(raw: Mapping[str, Any], where: str, origin: Mapping[str, str], faults: list[str]) -> Recipe:
    recipe = None
    try:
        recipe = Recipe.model_validate(tuples(raw))
    except ValidationError as error:
        numbered = enumerate(error.errors(include_url=False))
        found = {_key(fault) if _key(fault) in _UNIONS else number: fault for number, fault in numbered}
        faults += few([*found.values()], lambda fault: _sentence(fault, where, origin), where)
    if recipe and len(set(recipe.model.pyramid_bins)) < len(recipe.model.pyramid_bins):
        place = origin.get("model.pyramid_bins", where)
        faults.append(f"{place}: model.pyramid_bins: {list(recipe.model.pyramid_bins)} (each number once)")
    if recipe and recipe.augmentation.scales[0] > recipe.augmentation.scales[1]:
        low, high = recipe.augmentation.scales
        place = origin.get("augmentation.scales", where)
        faults.append(f"{place}: augmentation.scales: {low} > {high} (the lower factor first)")
    if faults or recipe is None:
        raise RecipeError(*faults)
    return recipe


def _sentence(fault: "ErrorDetails", where: str, origin: Mapping[str, str]) -> str:
    path, key = fault["loc"], _key(fault)
    overrides = [text for set_key, text in origin.items() if set_key == key or set_key.startswith(f"{key}.")]
    place = overrides[0] if overrides else where
    if fault["type"] == "extra_forbidden":
        candidates = KEYS if len(path) > 1 else list(SECTIONS)
        return f"{place}: unknown key {key} ({nearest(key, candidates)})"
    if key in _UNIONS:
        return f"{place}: {key}: should be {_UNIONS[key]}"
    return f"{place}: {key}: {in_words(fault)}"


def _key(fault: "ErrorDetails") -> str:
    return ".".join(str(part) for part in fault["loc"][:2])


_UNIONS = {
    "training.class_weights": "'none', 'auto', 'median_frequency', 'effective_number', or a weight of 0 or more for "
    "each of two classes at least",
    "data.enlarge": "'auto' or a factor from 1 to 4",
    "augmentation.class_crops": "'auto' or a share from 0 to 1",
    "evaluation.best": "'pixel_accuracy', 'mean_iou', or 'class:NAME' with the name of a class",
}
"""Keys whose values are of several kinds: one that is of none has a fault of each."""
