"""The options of `casnet predict`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PredictOptions:
    """The options of the command, except inputs and run."""

    out: Path | None = None
    """Output folder; None: predictions/."""
    tile: int | None = None
    """Side of the tiles in image pixels; None: whole images unless they are too large."""
    batch: int | None = None
    """Largest number of images in a batch; None: by their size."""
    share: tuple[int, int] | None = None
    """I and N: only the I-th of N shares of the inputs; None: all inputs."""
    resume: bool = True
    """Whether outputs of earlier calls are kept where they are complete and up to date."""
    overlay: bool = True
    """Whether to write the image with the classes' colours laid over."""
    difficulty: bool = True
    """Whether to write files of the difficulty."""
    save: tuple[str, ...] = ()
    """Further kinds of outputs, by their names in `prediction.output_kinds`."""
    simplify: float = 0.0
    """How far outlines may lie from the borders of pixels, in pixels; 0: they are exact."""
    fine: str = "always"
    """`auto`: images that attention finds easy do without the fine branch; `always`: no image does."""
    reject_below: float | None = None
    """Pixels of a lower confidence become void."""
    target_accuracy: float | None = None
    """Pixels become void so that this share of the others is right, by the run's validation images."""
    mask_values: str = "palette"
    """What the pixels of masks hold: `ids`, `palette`, or the path of a table of classes."""
    geojson: str | None = None
    """Coordinates of outlines: `pixels`, or `crs`, those of the picture's georeference; None: `crs` if there is one."""
    json: str | None = None
    """File for the summary; `-` is stdout; None: none."""
    engine: str | None = None
    """What runs the network, one of `engines.ENGINES`; None: by the run or file that is named."""
