"""The kinds of files that `casnet predict` writes for an image: one row each.

A new kind costs a function that writes its file and a row of `OUTPUT_KINDS`. Names, endings and needs are looked up in
the table by everything else: the choices of `--save`, the names of outputs, and what is kept of a prediction.
Nothing is imported here before a file is written, so that the command line may read the table as it starts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np

    from casnet_cli.labels import LabelSet
    from casnet_cli.prediction.image_result import ImageResult
    from casnet_cli.prediction.mask_values import MaskValues

VIDEO_OVERLAY = ".overlay.mp4"
"""Ending of the one file that holds the overlays of all frames of a video."""

ALWAYS = ("overlay", "difficulty", "mask")
"""Kinds that are no choice of `--save`, in the order in which they are written; `--no-overlay` leaves out the first."""


@dataclass(frozen=True)
class LabelledPicture:
    """An image with its prediction: all that a writer of an output may use."""

    name: str
    """Name of the input file."""
    image: "np.ndarray"
    """(H, W, 3) uint8 RGB."""
    result: "ImageResult"
    """The prediction for the image."""
    labels: "LabelSet"
    """Classes of the run."""
    mask_values: "MaskValues"
    """What the pixels of the mask file hold."""


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


def _late(module: str, name: str) -> Writer:
    """A function of a module beside this one, imported when it is called."""

    def write(file: Path, picture: LabelledPicture) -> None:
        cast(Writer, getattr(import_module(f"casnet_cli.prediction.{module}"), name))(file, picture)

    return write


_ROWS = (
    OutputKind("mask", ".png", (), _late("writers", "write_mask")),
    OutputKind("difficulty", ".difficulty.png", (), _late("writers", "write_difficulty")),
    OutputKind("overlay", ".overlay.jpg", (), _late("writers", "write_overlay")),
    OutputKind("confidence", ".confidence.png", ("confidence",), _late("writers", "write_confidence")),
    OutputKind("probabilities", ".probabilities.npz", ("probabilities",), _late("writers", "write_probabilities")),
    OutputKind("geojson", ".geojson", (), _late("geojson_format", "write_geojson")),
    OutputKind("coco", ".coco.json", (), _late("coco_format", "write_coco")),
)

OUTPUT_KINDS = {kind.name: kind for kind in _ROWS}
"""Every kind by its name."""


def save_choices() -> list[str]:
    """Names of the kinds that `--save` adds."""
    return [name for name in OUTPUT_KINDS if name not in ALWAYS]


def output_endings() -> list[str]:
    """Endings of all files that may be written for an input."""
    return [*(kind.ending for kind in OUTPUT_KINDS.values()), VIDEO_OVERLAY]


def needs_of(names: Iterable[str]) -> frozenset[str]:
    """What must be kept of a prediction for these kinds."""
    return frozenset(need for name in names for need in OUTPUT_KINDS[name].needs)
