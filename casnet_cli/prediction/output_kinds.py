"""The kinds of files that `casnet predict` writes: one row each, for every image or for all of them together.

A new kind costs a function that writes its file and a row of `OUTPUT_KINDS` or `FOLDER_KINDS`. Names, endings and needs
are looked up in the tables by everything else: the choices of `--save`, the names of outputs, and what is kept of a
prediction.
Nothing is imported here before a file is written, so that the command line may read the table as it starts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np

    from casnet_cli.data.pixels.picture import Georeference
    from casnet_cli.labels import LabelSet
    from casnet_cli.prediction.image_result import ImageResult
    from casnet_cli.prediction.mask_values import MaskValues

VIDEO_OVERLAY = ".overlay.mp4"
"""Ending of the one file that holds the overlays of all frames of a video."""

GEOTIFF = "geotiff"
"""The kind that is also written by itself for a picture that lies somewhere on the earth."""

OVERLAY = "overlay"
"""The kind that `--no-overlay` leaves out."""

DIFFICULTY = ("difficulty", "geotiff-difficulty")
"""The kinds that `--no-difficulty` leaves out."""

ALWAYS = (OVERLAY, DIFFICULTY[0], "mask")
"""Kinds that are no choice of `--save`, in the order in which they are written."""


@dataclass(frozen=True)
class LabelledPicture:
    """An image with its prediction: all that a writer of an output may use."""

    name: str
    """Name of the input file."""
    image: "np.ndarray"
    """(H, W, 3) uint8 RGB; of a `LargePicture` every n-th pixel of every n-th row."""
    result: "ImageResult"
    """The prediction for the image."""
    labels: "LabelSet"
    """Classes of the run."""
    mask_values: "MaskValues"
    """What the pixels of the mask file hold."""
    georeference: "Georeference | None" = None
    """Where the image lies on the earth; None: that is not known."""
    coordinates: str | None = None
    """Of outlines: `pixels`, or `crs`, those of the georeference; None: `crs` where there is one."""
    simplify: float = 0.0
    """How far outlines may lie from the borders of pixels, in pixels; 0: they are exact."""
    source: Path | None = None
    """The input file; None: it is none, such as standard input."""


Writer = Callable[[Path, LabelledPicture], None]
"""Writes one file, whole or not at all. May raise OSError."""


@dataclass(frozen=True)
class OutputKind:
    """A kind of output file."""

    name: str
    """The word behind `--save`."""
    ending: str
    """Of the file's name, behind the stem of the input's."""
    needs: tuple[str, ...]
    """What must be kept of a prediction beside mask and difficulty: `confidence` or `probabilities`."""
    write: Writer
    """Writes the file."""
    comes_with: str | None = None
    """The kind with which it is written; None: it is a choice of its own."""
    bytes_per_pixel: int = 0
    """Memory that writing it takes where a picture is too large for it; 0: a part of the picture suffices."""
    outlines: bool = False
    """Whether it holds outlines, which `--simplify` changes."""
    of_frames: bool = True
    """Whether it is also written for each frame of a video."""
    written: float = 0.2
    """Bytes of its file for each pixel, about."""
    written_per_class: float = 0.0
    """For each pixel and class, about."""


def _late(module: str, name: str) -> Writer:
    """A function of a module beside this one, imported when it is called."""

    def write(file: Path, picture: LabelledPicture) -> None:
        cast(Writer, getattr(import_module(f"casnet_cli.prediction.{module}"), name))(file, picture)

    return write


_ROWS = (
    OutputKind("mask", ".png", (), _late("writers", "write_mask"), written=0.03),
    OutputKind("difficulty", ".difficulty.png", (), _late("writers", "write_difficulty")),
    OutputKind("overlay", ".overlay.jpg", (), _late("writers", "write_overlay")),
    OutputKind("confidence", ".confidence.png", ("confidence",), _late("writers", "write_confidence")),
    OutputKind(
        "probabilities",
        ".probabilities.npz",
        ("probabilities",),
        _late("writers", "write_probabilities"),
        written=0.0,
        written_per_class=1.5,
    ),
    OutputKind("geojson", ".geojson", (), _late("geojson_format", "write_geojson"), bytes_per_pixel=10, outlines=True),
    OutputKind(
        "labelme",
        ".json",
        (),
        _late("labelme_format", "write_labelme"),
        bytes_per_pixel=10,
        outlines=True,
        of_frames=False,
    ),
    OutputKind(
        "geotiff-difficulty", ".difficulty.tif", (), _late("geotiff_format", "write_difficulty"), comes_with=GEOTIFF
    ),
    OutputKind(
        "geotiff-names",
        ".tif.aux.xml",
        (),
        _late("geotiff_format", "write_category_names"),
        comes_with=GEOTIFF,
        written=0.0,
    ),
    OutputKind(GEOTIFF, ".tif", (), _late("geotiff_format", "write_geotiff"), written=0.04),
)

OUTPUT_KINDS = {kind.name: kind for kind in _ROWS}
"""Every kind by its name."""


MARKED = 256
"""In `LabelledFile.parts`: times the number of a mark from 1, on top of the class id."""


@dataclass(frozen=True)
class Mark:
    """A part of one class that is a region of its own, whatever lies beside it, with a note."""

    x: int
    """First column of its box."""
    y: int
    """First row of its box."""
    inside: "np.ndarray"
    """(height, width) bool: its pixels in its box."""
    note: str
    """What a person should know of it."""


@dataclass(frozen=True)
class LabelledFile:
    """An image that is labelled, as it is read again for a file of all of them."""

    name: str
    """The input below the folder that was given: its sub-folders with slashes, and its ending."""
    file: Path
    """The input itself."""
    mask: "np.ndarray"
    """(H, W) uint8 class ids, VOID where rejected."""
    confidence: float | None
    """How sure the network is of the mask, 0..1; None: the network does not give it."""
    marks: tuple[Mark, ...] = ()
    """Parts that do not overlap, at most 255."""

    @property
    def parts(self) -> "np.ndarray":
        """(H, W) class ids and VOID, and `MARKED` times the number of the mark."""
        if not self.marks:
            return self.mask
        found = self.mask.astype("uint16")
        for number, mark in enumerate(self.marks, 1):
            height, width = mark.inside.shape
            found[mark.y : mark.y + height, mark.x : mark.x + width][mark.inside] += MARKED * number
        return found


@dataclass(frozen=True)
class LabelledFolder:
    """All labelled images: what a writer of a file of all of them may use."""

    labels: "LabelSet"
    """Classes of the run."""
    pictures: Iterable[LabelledFile]
    """The images in the order of their masks' names, read one at a time; it can be passed once."""
    simplify: float = 0.0
    """How far outlines may lie from the borders of pixels, in pixels; 0: they are exact."""
    audited: bool = False
    """Whether the masks are given labels, and the marks suspect ones among them; False: the masks are predictions."""


FolderWriter = Callable[[Path, LabelledFolder], None]
"""Writes one file, whole or not at all. May raise OSError."""


@dataclass(frozen=True)
class FolderKind:
    """A kind of file that holds all labelled images; it is written at the end of a call."""

    name: str
    """The word behind `--save`."""
    ending: str
    """Of the file's name, behind `FOLDER_STEM`."""
    write: FolderWriter
    """Writes the file."""
    outlines: bool = True
    """Whether it holds outlines where `--simplify` is given."""


FOLDER_STEM = "annotations"
"""How the names of files begin that hold all labelled images."""


def _late_folder(module: str, name: str) -> FolderWriter:
    """A function of a module beside this one, imported when it is called."""

    def write(file: Path, folder: LabelledFolder) -> None:
        cast(FolderWriter, getattr(import_module(f"casnet_cli.prediction.{module}"), name))(file, folder)

    return write


_FOLDER_ROWS = (
    FolderKind("coco", ".coco.json", _late_folder("coco_format", "write_coco"), outlines=False),
    FolderKind("label-studio", ".label-studio.json", _late_folder("label_studio_format", "write_label_studio")),
    FolderKind("cvat", ".cvat.zip", _late_folder("cvat_format", "write_cvat")),
    FolderKind("yolo", ".yolo.zip", _late_folder("yolo_format", "write_yolo")),
)

FOLDER_KINDS = {kind.name: kind for kind in _FOLDER_ROWS}
"""Every kind of file of all images by its name."""


def save_choices() -> list[str]:
    """Names of the kinds that `--save` adds: for each image first, then for all together."""
    single = [name for name, kind in OUTPUT_KINDS.items() if name not in ALWAYS and not kind.comes_with]
    return [*single, *FOLDER_KINDS]


def outlined() -> list[str]:
    """Names of the kinds that `--simplify` changes."""
    single = [name for name, kind in OUTPUT_KINDS.items() if kind.outlines]
    return [*single, *(name for name, kind in FOLDER_KINDS.items() if kind.outlines)]


def with_companions(names: Iterable[str]) -> list[str]:
    """The kinds of these names, each after those that come with it."""
    return [each for name in names for each in (*(k.name for k in OUTPUT_KINDS.values() if k.comes_with == name), name)]


def output_endings() -> list[str]:
    """Endings of all files that may be written for an input."""
    return [*(kind.ending for kind in OUTPUT_KINDS.values()), VIDEO_OVERLAY]


def needs_of(names: Iterable[str]) -> frozenset[str]:
    """What must be kept of a prediction for these kinds; a file of all images needs nothing, it is made of masks."""
    return frozenset(need for name in names if name in OUTPUT_KINDS for need in OUTPUT_KINDS[name].needs)
