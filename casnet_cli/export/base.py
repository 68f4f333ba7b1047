"""What all export formats have in common: what is to be written, and what a format offers.

Importing this costs next to nothing: the commands list the formats before anything else is loaded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import numpy as np

    from casnet_cli.data.intensities import Intensities
    from casnet_cli.export.metadata import Description

PRECISIONS = ("float32", "float16", "int8")

Session = Callable[["Mapping[str, np.ndarray]"], "dict[str, np.ndarray]"]
"""A loaded file: from its inputs by name to its outputs by name."""

PredictFunction = Callable[["np.ndarray"], "dict[str, np.ndarray]"]
"""From an image (H, W, N) as stored, mostly uint8 RGB, to its `mask` and `difficulty`, (H, W) each."""


def _plain() -> "Intensities":
    from casnet_cli.data.intensities import PLAIN

    return PLAIN


@dataclass(frozen=True)
class ExportSpec:
    """What is to be written of a network."""

    precision: str
    """One of `PRECISIONS`."""
    size: tuple[int, int] | None
    """Height and width of the images that the file takes; None: any."""
    scale: float
    """Factor by which every image is enlarged for the network."""
    probabilities: bool
    """Whether the file also gives the probability of every class."""
    description: "Description"
    """The description inside the file."""
    images: "Sequence[np.ndarray]" = ()
    """Training images (H, W, N) as stored, of that size, on which integers are calibrated."""
    intensities: "Intensities" = field(default_factory=_plain)
    """What the images hold that the file takes."""


@dataclass(frozen=True)
class ExportFormat:
    """A kind of exported file. Functions import what they need when they are called."""

    name: str
    """As `--format` takes it, and `--engine` where there is an `open_session`; also the name of the extra."""
    file: str
    """Name of the file, or of the folder that is one file here, such as model.onnx."""
    write: "Callable[[keras.Model, ExportSpec, Path], Path]"
    """Writes a network of `build_casnet` into a folder; returns the file."""
    packages: tuple[str, ...] = ()
    """Packages that writing and proving need, beside TensorFlow."""
    int8_packages: tuple[str, ...] = ()
    """Packages that writing integers needs beside these."""
    precisions: tuple[str, ...] = PRECISIONS
    """Precisions that it can be written in."""
    opset: int | None = None
    """Version of the ONNX operators in it; None: they are others."""
    write_parts: "Callable[[keras.Model, ExportSpec, Path], Path] | None" = None
    """Writes the coarse and the fine branch as two files; returns the first. None: the format has one file only."""
    runtime: str | None = None
    """Package that runs it for `casnet predict`."""
    open_session: "Callable[[Path], tuple[Session, Description]] | None" = None
    """Loads a file for that package. Raises RunError. None: `casnet predict` takes no such file."""
    load: Callable[[Path], PredictFunction] | None = None
    """Loads a file where there is no `open_session`, to prove and time it."""
