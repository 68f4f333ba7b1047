"""The description inside an exported file: in ONNX's metadata, or in an archive behind a LiteRT file."""

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

from casnet_cli import __version__
from casnet_cli.data.intensities import Intensities
from casnet_cli.errors import RunError, reason
from casnet_cli.labels import VOID
from casnet_cli.runs.checkpoint import attributes_of, meta_of
from casnet_cli.runs.export_record import ImageSize
from casnet_cli.runs.json_record import Record, as_record
from casnet_cli.runs.trained import TrainedRun
from casnet_cli.util.parsing import json_of

if TYPE_CHECKING:
    import onnx

FORMAT, VERSION = "casnet-export", 1
INSIDE = "casnet.json"
"""Name of the description in an archive, and in a SavedModel's `assets.extra`."""

WHOLE = "casnet_export"
"""Property of an ONNX file with all of the description."""

FOR_OTHERS = ("casnet", "run", "classes", "palette", "void", "inputs", "outputs", "precision")
"""Parts of the description that are properties of an ONNX file by themselves, for other programs."""

LONGEST = 1 << 24
"""Bytes of a description; a run of 10,000 epochs has a fifth of it."""

BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)
"""What a damaged archive, or one with a password, raises."""

FOREIGN = "not a model exported by casnet (casnet export writes one)"

IMAGE = "(B, H, W, 3) uint8 RGB"
OUTPUTS = {
    "mask": "(B, H, W) uint8, class ids",
    "difficulty": "(B, H, W) float32 0..1",
    "probabilities": "(B, H, W, K) float32",
}
"""Every output of a file, with its shape and type; probabilities only in files that have them."""


class Description(TypedDict):
    """The description inside an exported file. The keys from recipe to calibration are those of its checkpoint."""

    format: str
    """`FORMAT`."""
    version: int
    """Version of this format."""
    casnet: str
    """Version of casnet that wrote it."""
    run: str
    """The run that was exported, as it is shown."""
    checkpoint_sha256: str
    """Digest of the checkpoint's file."""
    precision: str
    """`float32`, `float16` or `int8`."""
    size: list[int] | None
    """Height and width of the images that the file takes; None: any."""
    inputs: dict[str, str]
    """Inputs by name: shape and type."""
    outputs: dict[str, str]
    """Outputs by name: shape and type."""
    void: int
    """Label of void pixels."""
    recipe: str
    """The recipe, TOML."""
    classes: list[str]
    """Names of the classes, in the order of their ids."""
    palette: list[list[int]]
    """Colour of each class: red, green, blue, 0 to 255."""
    data: str
    """The data set, JSON."""
    progress: str
    """The training's progress, JSON."""
    schedule: str
    """State of the learning rate's schedule, JSON."""
    calibration: NotRequired[str]
    """What was fitted on validation images after training, JSON."""
    intensities: NotRequired[str]
    """Type, bands and range of the images, JSON; missing: 8-bit RGB."""
    opset: NotRequired[int]
    """Version of the ONNX operators."""
    part: NotRequired[str]
    """Of two files `coarse` or `fine`: which one this is."""


def describe(
    run: TrainedRun, sha256: str, precision: str, size: tuple[int, int] | None, probabilities: bool
) -> Description:
    """The description of an export of a run. sha256: digest of the checkpoint's file."""
    outputs = {name: text for name, text in OUTPUTS.items() if probabilities or name != "probabilities"}
    description = {
        "format": FORMAT,
        "version": VERSION,
        "casnet": __version__,
        "run": run.title,
        "checkpoint_sha256": sha256,
        "precision": precision,
        "size": list(size) if size else None,
        "inputs": {"image": image_in_words(run.meta.intensities)},
        "outputs": outputs,
        "void": VOID,
        **attributes_of(run.meta),
    }
    return cast(Description, description)


def image_in_words(intensities: Intensities) -> str:
    """Shape and type of the images, and the range of each band that becomes 0 to 255."""
    if intensities.plain:
        return IMAGE
    ranges = zip(intensities.bands, intensities.low, intensities.high, strict=True)
    bands = ", ".join(f"{band} {low:g}..{high:g}" for band, low, high in ranges)
    nodata = "" if intensities.nodata is None else f"; no data {intensities.nodata:g}"
    return f"(B, H, W, {len(intensities.bands)}) {intensities.dtype}: {bands}{nodata}"


def intensities_of(description: Description, file: Path) -> Intensities:
    """What the images of an export hold. Raises RunError."""
    return meta_of(description, file).intensities


def put_into_onnx(model: "onnx.ModelProto", description: Description) -> None:
    """As metadata properties: all of it as JSON, and by themselves the parts that other programs may need."""
    parts = cast("dict[str, object]", description)
    entries: dict[str, object] = {WHOLE: description} | {name: parts[name] for name in FOR_OTHERS}
    for name, value in entries.items():
        model.metadata_props.add(key=name, value=value if isinstance(value, str) else json.dumps(value))


def put_behind(file: Path, description: Description) -> None:
    """As an archive behind the file's own content, where LiteRT's metadata keep their files."""
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(INSIDE, json.dumps(description, indent=2))


def of_onnx(metadata: Mapping[str, str], file: Path) -> Description:
    """From metadata properties. Raises RunError for a model that is not casnet's, or is damaged."""
    return _checked(metadata.get(WHOLE, ""), file)


def of_litert(file: Path) -> Description:
    """From the archive behind a file. Raises RunError for a model that is not casnet's, or is damaged."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(INSIDE) as inside:
            text = inside.read(LONGEST + 1)
    except OSError as error:
        raise RunError(f"{file}: cannot be read: {reason(error)}") from None
    except (KeyError, *BROKEN_ZIP):
        raise RunError(f"{file}: {FOREIGN}") from None
    return _checked(text, file)


class _Described(Record):
    """What of a description decides how a file is used, beside what its checkpoint said."""

    version: int
    checkpoint_sha256: str
    precision: str = ""
    size: ImageSize | None
    outputs: dict[str, str]
    part: str | None = None


def _checked(text: str | bytes, file: Path) -> Description:
    try:
        found = json_of(text) if len(text) <= LONGEST else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise RunError(f"{file}: {FOREIGN}")
    if as_record(_Described, found, file).version > VERSION:
        raise RunError(f"{file}: exported by a newer casnet (this one reads version {VERSION})")
    return cast(Description, found)
