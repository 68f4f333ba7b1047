"""Recipes: the schema, reading TOML, dotted overrides, and all faults of a recipe at once.

Where the paper is silent the default below is our choice; its docstring says so.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casnet_cli import paths
from casnet_cli.errors import RecipeError

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Data(Section):
    """Which prepared data set, and how much of its training images is held out where it stores no `val`.

    The paper names no validation set, yet its schedule needs one: a seeded 10 % of the training images,
    never the test images.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")] = ""
    """File name in `data/` without `.h5`; empty: the most recently prepared one."""
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    """Share of the training images that is held out for validation where no `val` images are stored."""
    validation: Literal["stored", "train"] = "stored"
    """What chooses the best checkpoint: the stored `val` images if there are any, or always a part of the training
    images, so that figures on `val` are of images that chose nothing."""


class Augmentation(Section):
    """Random scaling and translation (section 4.2): crops from multi-scale inputs."""

    crop: Annotated[int, Field(ge=17, le=4097)] = 233
    """Side of the square crop in pixels. 8n + 1 needs no padding at stride 8 (233 in the paper), 16n + 1 at 16."""
    scales: tuple[Positive, Positive] = (0.5, 2.0)
    """One factor per image, uniform in this range. The paper is silent on it; this is PSPNet's range."""
    mirror: bool = False
    """Flip left-right half of the time. Not named in the paper."""
    color_jitter: Fraction = 0.0
    """Brightness, contrast and saturation each times a factor uniform in 1 ± this. Not named in the paper."""


class Model(Section):
    """The network of figure 2. Widths are ours (PSPNet's and FCN-head's usual sizes): the paper gives none."""

    backbone: Literal["resnet50", "resnet101", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"] = (
        "resnet50"
    )
    """Feature extractor. `resnet50` is the paper's; `efficientnet-lite0` has about an eighth of the arithmetic."""
    output_stride: Literal[8, 16, 32] = 8
    """Pixels between two cells of the feature map. 8 is the paper's: finer borders, more arithmetic."""
    weights: str = "imagenet"
    """`imagenet`, `none`, or the path of a weight file in the layout of Keras's own downloads."""
    variant: Literal["coarse", "static", "attention", "fine"] = "attention"
    """Section 4.3: (a) coarse alone, (b) coarse + fine with weight 0.5, (c) attention; and the fine branch alone."""
    branch_channels: Annotated[int, Field(ge=8, le=8192)] = 512
    """Channels of the 3x3 convolution in each branch."""
    pyramid_bins: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 2, 3, 6)
    """Sides of the grids that the fine branch pools the features to, each number once."""
    dropout: Fraction = 0.1
    """Share of the channels of a branch that is dropped in each training step."""
    frozen_stages: Annotated[int, Field(ge=0, le=8)] = 0
    """How many stages of the backbone do not train, counted from the image: 1 is the stem."""


class Optimizer(Section):
    """SGD as in Caffe (section 4.2): momentum, and L2 decay added to the gradient, on kernels only (our choice)."""

    learning_rate: Positive = 1e-4
    """Rate of the backbone at the first step (after the warm-up)."""
    momentum: Fraction = 0.9
    """Share of the last step that is added to the next."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Factor of the L2 decay, on the kernels of convolutions."""
    head_lr_multiplier: Positive = 1.0
    """Rate of the branches relative to the backbone's."""
    clip_norm: Annotated[float, Field(ge=0)] = 0.0
    """Largest norm of all gradients together; longer ones are shortened to it. 0 turns it off."""


class Schedule(Section):
    """How the learning rate falls. The paper: divided by 10 when validation accuracy stops improving, twice."""

    kind: Literal["plateau", "polynomial", "cosine", "constant"] = "plateau"
    """plateau: drops when validation accuracy stops improving; the others: a function of the step."""
    patience: Count = 5
    """plateau: validations without improvement before a drop. The paper is silent on it."""
    factor: Annotated[float, Field(gt=1)] = 10.0
    """plateau: what a drop divides the rate by."""
    drops: Annotated[int, Field(ge=0)] = 2
    """plateau: after this many drops the next plateau ends the run."""
    power: Positive = 0.9
    """polynomial: rate · (1 − step / steps)^power."""
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """The rate rises in a straight line over the first so many steps; polynomial and cosine count from there."""
    early_stop: Annotated[int, Field(ge=0)] = 0
    """So many validations without a new best end the run. 0 turns it off."""


class Training(Section):
    """Length, batch and arithmetic."""

    epochs: Count = 100
    """Passes over the training images; plateau and early stop may end a run before."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 4
    """Crops of one training step, on all devices together."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Decides initial weights, dropout, and order and augmentation of the images."""
    deterministic: bool = False
    """Only operations that give the same bits each time: on a processor, equal runs end in equal bytes."""
    checkpoint_every_steps: Annotated[int, Field(ge=0)] = 500
    """Beside the checkpoint at each validation; 0 turns it off."""
    checkpoint_every_minutes: Annotated[float, Field(ge=0)] = 10.0
    """Whichever comes first, steps or minutes; 0 turns it off."""
    precision: Literal["float32", "bfloat16", "float16", "float64"] = "float32"
    """Arithmetic of the convolutions; fusion and losses are float32 at least."""
    accumulation: Annotated[int, Field(ge=1)] = 1
    """Parts into which a batch is cut that does not fit into memory; their gradients are added up."""
    xla: bool = False
    """Compile the step by XLA. JAX always does."""
    class_weights: (
        Literal["none", "auto"] | Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], Field(min_length=2)]
    ) = "none"
    """Weight of each class in the losses of eqs. 3 and 9; `auto`: 1 / √share, mean weight of a pixel 1, at most 10."""
    fine_loss: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Weight of a loss of the fine branch alone, which the paper does not have: eq. 9 reaches it by 1 − p_a only."""


class Evaluation(Section):
    """How whole images are judged and labelled, and what a validation during training looks at."""

    scale: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    """The network sees every image enlarged by this factor, once: a finer map for its square in time. The paper: 1."""
    every_epochs: Count = 1
    """Epochs between two validations; the last epoch always has one."""
    samples: Annotated[int, Field(ge=0, le=16)] = 4
    """Pictures drawn per validation into the run's `samples/`."""


class Recipe(Section):
    data: Data = Data()
    augmentation: Augmentation = Augmentation()
    model: Model = Model()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()


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
    raise RecipeError(f"{name}: no such recipe ({_nearest(name, names())}, or a path)")


def load(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a TOML recipe and apply `section.key=value` overrides. Raises RecipeError with every fault found."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path}: not a readable TOML recipe: {_reason(error)}") from None
    faults: list[str] = []
    origin: dict[str, str] = {}
    for text in overrides:
        _override(raw, text, origin, faults)
    return _validate(raw, str(path), origin, faults)


def changed(recipe: Recipe, overrides: Iterable[str]) -> Recipe:
    """The recipe with `section.key=value` overrides applied. Raises RecipeError with every fault found."""
    raw = tomllib.loads(dumps(recipe))
    faults: list[str] = []
    origin: dict[str, str] = {}
    for text in overrides:
        _override(raw, text, origin, faults)
    return _validate(raw, "--set", origin, faults)


def loads(text: str, where: str) -> Recipe:
    """A recipe from TOML text, such as a checkpoint's. Raises RecipeError."""
    try:
        return _validate(tomllib.loads(text), where, {}, [])
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where}: not a readable TOML recipe: {error}") from None


def dumps(recipe: Recipe) -> str:
    """The resolved recipe as TOML: every section, every key."""
    lines = []
    for section, values in recipe.model_dump().items():
        lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def differences(old: Recipe, new: Recipe) -> list[str]:
    """Keys that differ, as `section.key: old → new`."""
    before, after = old.model_dump(), new.model_dump()
    return [
        f"{section}.{key}: {_toml(before[section][key])} → {_toml(value)}"
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
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    origin[f"{section}.{name}"] = f"--set {text}"
    table = raw.setdefault(section, {})
    if isinstance(table, dict):
        table[name] = parsed


def _validate(raw: Mapping[str, Any], where: str, origin: Mapping[str, str], faults: list[str]) -> Recipe:
    recipe = None
    try:
        recipe = Recipe.model_validate(_tuples(raw))
    except ValidationError as error:
        found = {_key(fault) if _key(fault) in _UNIONS else str(fault): fault for fault in error.errors()}
        faults += [_sentence(fault, where, origin) for fault in found.values()]
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


def _tuples(value: Any) -> Any:
    # Strict mode takes no list for a tuple, and TOML has no tuples.
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _sentence(fault: Any, where: str, origin: Mapping[str, str]) -> str:
    path, key = fault["loc"], _key(fault)
    told = [text for set_key, text in origin.items() if set_key == key or set_key.startswith(f"{key}.")]
    place = told[0] if told else where
    if fault["type"] == "extra_forbidden":
        candidates = KEYS if len(path) > 1 else list(SECTIONS)
        return f"{place}: unknown key {key} ({_nearest(key, candidates)})"
    if key in _UNIONS:
        return f"{place}: {key}: should be {_UNIONS[key]}"
    message = _WORDS.get(fault["type"]) or fault["msg"][0].lower() + fault["msg"][1:]
    return f"{place}: {key}: {message.removeprefix('input ')} (received {fault['input']!r})"


def _key(fault: Any) -> str:
    return ".".join(str(part) for part in fault["loc"][:2])


_UNIONS = {"training.class_weights": "'none', 'auto', or a weight of 0 or more for each of two classes at least"}
"""Keys of several kinds: a value that is of none has a fault of each."""

_WORDS = {
    "missing": "too few values",
    "too_long": "too many values",
    "string_pattern_mismatch": "should be a plain name of letters, digits, '.', '_' and '-'",
}


def _nearest(word: str, candidates: list[str]) -> str:
    misplaced = [key for key in candidates if "." in word and key.endswith("." + word.rpartition(".")[2])]
    close = misplaced or difflib.get_close_matches(word, candidates, n=1, cutoff=0.4)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(candidates)}"


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return repr(value)
