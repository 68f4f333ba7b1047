"""Recipes: the schema, reading TOML, dotted overrides, and all faults of a recipe at once.

Every field has its docstring below it; pydantic keeps it as the field's description. Where the paper names no value,
the default is our choice, and the docstring says so.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casnet_cli import paths
from casnet_cli.errors import RecipeError
from casnet_cli.util.toml_text import in_words, nearest, toml, tuples

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A table of the TOML file: unknown keys and other types than those below are faults."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class DataSection(Section):
    """The prepared data set, and its validation images. The paper names none, yet its schedule needs some."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")] = ""
    """File name in `data/` without `.h5`; empty: the most recently prepared one."""
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    """Share of the training images that is held out for validation where no `val` images are stored; chosen by
    `training.seed`. Our choice: the paper names no validation set, and test images must not choose a checkpoint."""
    validation: Literal["stored", "train"] = "stored"
    """Images that choose the best checkpoint: the stored `val` images if there are any, or always a part of the
    training images, so that metrics on `val` are of images that played no part in the choice."""


class AugmentationSection(Section):
    """Random scaling and translation of the training images (section 4.2): crops from multi-scale inputs."""

    crop: Annotated[int, Field(ge=17, le=4097)] = 233
    """Side of the square crop in pixels. 8n + 1 needs no padding at stride 8 (233 in the paper), 16n + 1 at 16."""
    scales: tuple[Positive, Positive] = (0.5, 2.0)
    """Smallest and largest factor by which an image is scaled, drawn uniformly for each. The paper names no range;
    this is PSPNet's."""
    mirror: bool = False
    """Mirror half of the crops left to right. The paper does not."""
    color_jitter: Fraction = 0.0
    """Brightness, contrast and saturation are each multiplied by a factor drawn uniformly from 1 ± this; 0 turns it
    off. The paper does not."""


class ModelSection(Section):
    """The network of figure 2. Widths are ours (PSPNet's and FCN-head's usual sizes): the paper gives none."""

    backbone: Literal["resnet50", "resnet101", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"] = (
        "resnet50"
    )
    """Feature extractor. `resnet50` is the paper's; `efficientnet-lite0` has about an eighth of its arithmetic."""
    output_stride: Literal[8, 16, 32] = 8
    """Image pixels between two cells of the feature map. 8 is the paper's; 16 and 32 are faster and coarser."""
    input_bands: Annotated[int, Field(ge=1, le=64)] = 3
    """Bands of the pictures; 3 are red, green and blue. `casnet train` takes the number from the data. For others the
    first convolution is inflated from the pre-trained one."""
    weights: str = "imagenet"
    """`imagenet`, `none`, or the path of a weight file in the layout of Keras's own downloads."""
    variant: Literal["coarse", "static", "attention", "fine"] = "attention"
    """Section 4.3: (a) coarse alone, (b) coarse + fine with weight 0.5, (c) attention; and the fine branch alone."""
    branch_channels: Annotated[int, Field(ge=8, le=8192)] = 512
    """Channels of the 3x3 convolution in each branch. The paper names no width; this is PSPNet's."""
    pyramid_bins: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 2, 3, 6)
    """Sides of the grids, in cells, to which the fine branch pools the features, each number once. PSPNet's."""
    dropout: Fraction = 0.1
    """Probability with which an activation before a branch's classifier is dropped in a training step. PSPNet's."""
    frozen_stages: Annotated[int, Field(ge=0, le=8)] = 0
    """Stages of the backbone that are not trained, counted from the image: 1 is the stem alone, 0 trains all."""


class OptimizerSection(Section):
    """SGD as in Caffe (section 4.2): momentum, and L2 decay added to the gradient, on kernels only (our choice)."""

    learning_rate: Positive = 1e-4
    """Learning rate of the backbone at the start, after the warm-up."""
    momentum: Fraction = 0.9
    """Share of each step's update that is added to the next one's."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Factor of the L2 decay of the convolutions' kernels."""
    head_lr_multiplier: Positive = 1.0
    """Learning rate of the branches divided by that of the backbone. The paper names one rate for all."""
    clip_norm: Annotated[float, Field(ge=0)] = 0.0
    """Largest L2 norm of all gradients together; larger ones are scaled down to it. 0 turns it off."""


class ScheduleSection(Section):
    """How the learning rate falls. The paper: divided by 10 when validation accuracy stops improving, twice."""

    kind: Literal["plateau", "polynomial", "cosine", "constant"] = "plateau"
    """plateau: the rate drops when validation accuracy stops improving; the others are functions of the step."""
    patience: Count = 5
    """plateau: validations without improvement before a drop. The paper names no number; our choice."""
    factor: Annotated[float, Field(gt=1)] = 10.0
    """plateau: number by which a drop divides the rate."""
    drops: Annotated[int, Field(ge=0)] = 2
    """plateau: after this many drops the next plateau ends the run."""
    power: Positive = 0.9
    """polynomial: rate · (1 − step / steps)^power."""
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps at the start over which the rate rises linearly; polynomial and cosine count from their end."""
    early_stop: Annotated[int, Field(ge=0)] = 0
    """Validations without a new best score after which the run ends. 0 turns it off."""


class TrainingSection(Section):
    """Length, batch and arithmetic."""

    epochs: Count = 100
    """Passes over the training images; plateau and early stop may end a run before. The paper names no number."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 4
    """Crops of one training step, on all devices together."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Decides initial weights, dropout, held-out images, and order and augmentation of the training images."""
    deterministic: bool = False
    """Only operations that give the same bits each time: on a CPU, equal runs end in equal bytes."""
    checkpoint_every_steps: Annotated[int, Field(ge=0)] = 500
    """Steps between two checkpoints, besides the one at each validation; 0 turns it off."""
    checkpoint_every_minutes: Annotated[float, Field(ge=0)] = 10.0
    """Minutes between two checkpoints; steps or minutes, whichever comes first; 0 turns it off."""
    precision: Literal["float32", "bfloat16", "float16", "float64"] = "float32"
    """Arithmetic of the convolutions; fusion and losses are float32 at least."""
    accumulation: Annotated[int, Field(ge=1)] = 1
    """Equal parts into which a batch is cut if it does not fit into memory; their gradients are added up."""
    xla: bool = False
    """Compile the training step by XLA. JAX always does."""
    class_weights: (
        Literal["none", "auto"] | Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], Field(min_length=2)]
    ) = "none"
    """Weight of each class in the losses of eqs. 3 and 9, in the order of the ids; `auto`: proportional to 1 / √share
    of the training pixels, with 1 as the mean over pixels, at most 10."""
    fine_loss: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Weight of an additional loss of the fine branch's own outputs, which the paper does not have: its eq. 9 trains
    the branch only where 1 − p_a is large."""


class EvaluationSection(Section):
    """Validation during training, and the scale at which whole images are evaluated and predicted."""

    scale: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    """Factor by which images are enlarged before the network: finer outputs, for its square in time. The paper: 1."""
    every_epochs: Count = 1
    """Epochs from one validation to the next; the last epoch always has one."""
    samples: Annotated[int, Field(ge=0, le=16)] = 4
    """Validation images drawn with their outputs at each validation, into the run's `samples/`."""


class Recipe(Section):
    """Everything that decides a training: one section for each table of the TOML file."""

    data: DataSection = DataSection()
    augmentation: AugmentationSection = AugmentationSection()
    model: ModelSection = ModelSection()
    optimizer: OptimizerSection = OptimizerSection()
    schedule: ScheduleSection = ScheduleSection()
    training: TrainingSection = TrainingSection()
    evaluation: EvaluationSection = EvaluationSection()


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
        recipe = Recipe.model_validate(tuples(raw))
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


_UNIONS = {"training.class_weights": "'none', 'auto', or a weight of 0 or more for each of two classes at least"}
"""Keys of several kinds: a value that is of none has a fault of each."""


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
