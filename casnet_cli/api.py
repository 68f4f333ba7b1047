"""casnet from Python: what the commands do, as functions that give records.

from casnet_cli import load

model = load("runs/sift-flow-lite-001")                         # or a checkpoint, or an exported file
result = model.predict("photo.jpg")                             # or an array (H, W, 3) uint8, or a Pillow image
result.mask, result.difficulty, result.probabilities
result.overlay().show()
result.save("photo.png")
"""

import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from PIL import Image

from casnet_cli import backend
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import InputError, reason
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.util.files import write_whole

if TYPE_CHECKING:
    import keras

    from casnet_cli.data.store import Store
    from casnet_cli.inference.protocol import Predictor
    from casnet_cli.runs.measurement_record import MeasurementRecord
    from casnet_cli.runs.trained import TrainedRun

WIDE = ("I", "F")
"""How Pillow's modes of more than 8 bits begin."""

File = str | PathLike[str]
"""A path."""

Picture = np.ndarray | Image.Image | File
"""An image: an array (H, W, N), a Pillow image, or a file."""


@dataclass(frozen=True, repr=False)
class Prediction:
    """The outputs for the pixels of one image. A notebook shows it as its overlay."""

    mask: np.ndarray
    """(H, W) uint8 class ids; 255: nothing was measured there."""
    difficulty: np.ndarray
    """(H, W) float32, 0..1: 1 − p_a, or entropy / log K where there is no attention branch."""
    probabilities: np.ndarray | None
    """(H, W, K) float32; the sum over the classes is 1. None: an exported file that gives none."""
    image: np.ndarray = field(repr=False)
    """(H, W, 3) uint8, the image as it is shown."""
    labels: LabelSet = field(repr=False)
    """The classes."""

    def overlay(self) -> Image.Image:
        """The image with the colours of the classes laid over."""
        from casnet_cli.prediction.writers import blended

        return Image.fromarray(blended(self.image, self.mask, self.labels))

    def save(self, file: File, what: Literal["mask", "overlay", "difficulty"] = "mask") -> None:
        """Write one picture, whole or not at all: mask with palette, overlay, or difficulty as 255 · d, rounded.

        The format follows the ending; a mask is PNG, TIFF or BMP. Raises InputError.
        """
        if what == "mask":
            picture = Image.fromarray(self.mask)
            picture.putpalette(self.labels.flat_palette())
        elif what == "overlay":
            picture = self.overlay()
        else:
            picture = Image.fromarray(np.rint(self.difficulty * 255).astype(np.uint8))
        path = Path(file)
        if what == "mask" and path.suffix.lower() not in (".png", ".tif", ".tiff", ".bmp"):
            raise InputError(f"{path}: no format of masks (.png, .tif or .bmp keep class ids)")
        form = Image.registered_extensions().get(path.suffix.lower())
        if form is None:
            raise InputError(f"{path}: cannot be written: no format of pictures has this ending")
        content = io.BytesIO()
        try:
            picture.save(content, form)
            write_whole(path, content.getvalue())
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be written: {reason(error)}") from None

    def shares(self) -> dict[str, float]:
        """The share of each class that occurs in the pixels that were measured, by its name, 0..1."""
        ids, numbers = np.unique(self.mask[self.mask != VOID], return_counts=True)
        return {self.labels.names[one]: number / numbers.sum() for one, number in zip(ids, numbers, strict=True)}

    def __repr__(self) -> str:
        height, width = self.mask.shape
        shares = sorted(self.shares().items(), key=lambda item: -item[1])
        return f"Prediction({width}x{height}, {', '.join(f'{name} {share:.0%}' for name, share in shares)})"

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.overlay().save(stream, "PNG")
        return stream.getvalue()


class Segmenter:
    """A trained network and its classes, as `load` gives it."""

    def __init__(self, predictor: "Predictor", labels: LabelSet, intensities: Intensities = PLAIN):
        """intensities: of the pictures that the network was trained on."""
        self._predictor, self.labels, self.intensities = predictor, labels, intensities

    @overload
    def predict(self, image: Picture) -> Prediction: ...

    @overload
    def predict(self, image: list[Picture] | tuple[Picture, ...]) -> list[Prediction]: ...

    def predict(self, image: Picture | list[Picture] | tuple[Picture, ...]) -> Prediction | list[Prediction]:
        """Label one image of any size, or a list of images.

        An array has the type and bands of the pictures that the network was trained on, mostly (H, W, 3) uint8 RGB, and
        so has a Pillow image if these are others; else it may be of any mode of 8 bits. Where nothing was measured the
        mask is 255. Raises InputError for a file that is no image, for an array of another shape or kind, and where the
        network's logits are no numbers.
        """
        if isinstance(image, list | tuple):
            return [self.predict(one) for one in image]
        from casnet_cli.data.pixels.take import shown

        pixels = _as_array(image, self.intensities)
        try:
            outputs = self._predictor.predict(pixels)
        except ValueError as error:  # of an exported file for one size, or logits that are no numbers
            name = image if isinstance(image, str | PathLike) else "image"
            raise InputError(f"{name}: {error}") from None
        p = outputs.get("probabilities")
        return Prediction(
            outputs["mask"],
            outputs["difficulty"],
            None if p is None else np.moveaxis(p, 0, -1),
            shown(pixels, self.intensities),
            self.labels,
        )


def load(run: File) -> Segmenter:
    """The network of a run folder, a checkpoint, or an exported file or its folder. Raises RunError, BackendError."""
    from casnet_cli.export import formats

    path = Path(run)
    inside = [path / each.file for each in formats.engines().values() if (path / each.file).is_file()]
    file = inside[0] if inside else path
    if formats.engine_of(file):
        from casnet_cli.export.runtime import ExportedPredictor

        exported = ExportedPredictor(file)
        return Segmenter(exported, exported.run.meta.labels, exported.run.meta.intensities)
    from casnet_cli.runs.trained import open_run

    found = open_run(path)
    backend.start()
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.outputs import MASK, PROBABILITIES

    predictor = open_predictor(found, MASK | PROBABILITIES)
    return Segmenter(predictor, found.meta.labels, found.meta.intensities)


def prepare(
    dataset: File | None = None,
    *,
    images: File | None = None,
    masks: File | None = None,
    annotations: Sequence[File] = (),
    classes: File | None = None,
    name: str | None = None,
    out: File | None = None,
    source: File | None = None,
    boxes: Literal["draw", "skip"] | None = None,
    pair: str | None = None,
    missing: Literal["background", "void", "skip"] | None = None,
    val_fraction: float | None = None,
    test_fraction: float | None = None,
    split_files: tuple[File, File, File] | None = None,
    folds: int | None = None,
    group_by: str | None = None,
    range: str | None = None,
    bands: str | None = None,
    nodata: float | None = None,
    resize_masks: bool = False,
    nearest_color: int | None = None,
    threshold: float | None = None,
    strict: bool = False,
    progress: bool = False,
) -> "Store":
    """Make a prepared file as `casnet prepare` does, `casnet.toml` included, and open it: its path, classes and names.

    dataset: name of a known data set, or a folder, archive or table of one's own; None: images with masks or
    annotations are named, else what casnet.toml names. out: the file; None: data/NAME.h5. source: the raw data of a
    known data set. progress: whether messages and bars are shown. The others as the options of the command. Raises
    CasnetError.
    """
    given = dict(locals())
    from casnet_cli.data.project import Project, said
    from casnet_cli.data.store import Store
    from casnet_cli.workflows.prepare import run
    from casnet_cli.workflows.project import request_of

    request = request_of({key: given[key] for key in Project.model_fields if said(given[key])})
    with _shown(progress):
        return Store(run(request.dataset, _path(source), request.out, folder=request.options, strict=strict))


def train(
    recipe: str | None = None,
    *,
    data: File | None = None,
    run: File | None = None,
    settings: Mapping[str, object] | None = None,
    resume: bool = False,
    fold: int | None = None,
    init: File | None = None,
    max_time: str | None = None,
    progress: bool = False,
) -> "TrainedRun":
    """Train as `casnet train` does, and give the run: its folder, and in `meta` classes, recipe and history.

    recipe: name or file; None: one that suits the data and this machine. data: a prepared file; None: the recipe's, or
    the newest. run: the folder to write; None: a new one in runs/. settings: changes of the recipe, such as
    `{"training.epochs": 40}`. resume, fold, init, max_time: as the options of the command. progress: whether messages
    and bars are shown. Raises CasnetError, and SystemExit where the command ends with another code than 0 or 2.
    """
    from casnet_cli.runs.trained import find_run
    from casnet_cli.util.toml_text import toml
    from casnet_cli.workflows.train.session import TrainOptions
    from casnet_cli.workflows.train.session import train as work

    overrides = [f"{key}={toml(value)}" for key, value in (settings or {}).items()]
    options = TrainOptions(
        recipe, _path(data), _path(run), overrides, resume=resume, fold=fold, init=_path(init), max_time=max_time
    )
    with _shown(progress):
        folder = work(options)
    assert folder is not None  # only with options that are not offered here
    return find_run(folder)


def evaluate(
    run: File | None = None,
    *,
    data: File | None = None,
    split: Literal["train", "val", "test"] | None = None,
    fold: int | None = None,
    tta: Literal["none", "flip", "multiscale"] = "none",
    scale: float | None = None,
    tile: int | None = None,
    limit: int | None = None,
    split_file: File | None = None,
    out: File | None = None,
    progress: bool = False,
) -> "MeasurementRecord":
    """Measure a run as `casnet eval` does, write its files, and give the content of metrics.json.

    run: a folder or checkpoint; None: the newest. data: a prepared file; None: the run's own. split: None: test, else
    val. out: the folder to write; None: in the run. The others as the options of the command. progress: whether
    messages and bars are shown. Raises CasnetError.
    """
    from casnet_cli.evaluation.measurement import METRICS_FILE, EvalProtocol
    from casnet_cli.runs import locate
    from casnet_cli.runs.json_record import read_record
    from casnet_cli.runs.measurement_record import MeasurementRecord
    from casnet_cli.workflows.evaluate.session import EvaluateOptions, evaluate_run

    checkpoint = locate.checkpoint_of(_path(run) or locate.newest_run())
    options = EvaluateOptions(
        data=_path(data),
        split=split,
        fold=fold,
        protocol=EvalProtocol(tta, scale, tile),
        limit=limit,
        split_file=_path(split_file),
        out=_path(out),
    )
    with _shown(progress):
        folder = evaluate_run(checkpoint, options)
    return read_record(MeasurementRecord, folder / METRICS_FILE)


def build_casnet(classes: int, pretrained: bool = False, **section: object) -> "keras.Model":
    """The network as a Keras functional model on images (B, H, W, N), 0..255.

    Its outputs `coarse`, `attention`, `fine` and `fused` are log-probabilities (B, H, W, ·). pretrained: whether the
    backbone gets the weights that the section names. section: keys of the recipes' section `[model]`, such as
    `backbone="efficientnet-lite0"`, `output_stride=16`, `variant="coarse"`. Raises RecipeError, WeightsError.
    """
    from casnet_cli import recipe as recipes
    from casnet_cli.util.toml_text import toml

    named = recipes.changed(recipes.Recipe(), [f"model.{key}={toml(value)}" for key, value in section.items()])
    backend.start()
    from casnet_cli.model.casnet import build_casnet as build

    return build(named.model, classes, pretrained=pretrained)


def _path(file: File | None) -> Path | None:
    return None if file is None else Path(file)


def _shown(progress: bool) -> AbstractContextManager[None]:
    """Nothing is printed in the block, unless progress is to be shown."""
    from casnet_cli import console

    return console.muted(not progress)


def _as_array(image: Picture, intensities: Intensities) -> np.ndarray:
    """(H, W, N) of the type and bands of the intensities. Raises InputError."""
    from casnet_cli.data.images import UNREADABLE, as_array, rgb
    from casnet_cli.data.pixels.read import content_of
    from casnet_cli.data.pixels.take import take

    if isinstance(image, Image.Image):
        ordinary = intensities.rgb and not image.mode.startswith(WIDE)
        image = as_array(rgb(image)) if ordinary else _with_bands(np.asarray(image))
    if isinstance(image, np.ndarray):
        bands = len(intensities.bands)
        if image.dtype != intensities.dtype or image.ndim != 3 or image.shape[2] != bands or 0 in image.shape:
            own = "(H, W, 3) uint8 RGB" if intensities.plain else f"(H, W, {bands}) {intensities.dtype}"
            raise InputError(f"image: {image.dtype} {image.shape} ({own})")
        return image
    try:
        return take(content_of(Path(image)), intensities, oriented=True)
    except UNREADABLE as error:
        raise InputError(f"{image}: {reason(error)}") from None


def _with_bands(pixels: np.ndarray) -> np.ndarray:
    """(H, W) as (H, W, 1)."""
    return pixels[..., None] if pixels.ndim == 2 else pixels
