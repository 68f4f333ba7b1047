"""The project file `casnet.toml`: what one's own data are, so that nothing is typed twice."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.recipe.sections import Fraction, Section
from casnet_cli.util.parsing import toml_of
from casnet_cli.util.toml_text import in_words, nearest, toml, tuples
from casnet_cli.util.visible import few

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

HEAD = """\
# What `casnet prepare` took here. Without DATASET, `casnet prepare` and `casnet check` take it again; `casnet train`
# takes the prepared file. An option on the command line goes before its key here. Paths begin at this file's folder.
"""
"""How the file begins."""


class Project(Section):
    """The options of `casnet prepare` for one's own data, under their names with `_` in place of `-`."""

    dataset: str | None = None
    """Folder, archive or table to recognize; without it, the next three keys name what there is."""
    images: str | None = None
    """Folder of the images; of a table of pictures its column."""
    masks: str | None = None
    """Folder of the masks, or of annotations with a file a picture; of a table of pictures its column."""
    annotations: tuple[str, ...] = ()
    """Annotation files in place of masks, each as `FILE`, or as `train=FILE` with its split."""
    boxes: Literal["draw", "skip"] | None = None
    """What becomes of annotated boxes without outline; without the key they are an error."""
    classes: str | None = None
    """Table of classes, a TOML file; without the key what the layout says."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$")] | None = None
    """Name of the data set; without the key that of the project's folder."""
    out: str | None = None
    """The prepared file; without the key `data/NAME.h5` in the current folder."""
    pair: str | None = None
    """Which mask belongs to which image, `IMAGE:MASK` with `{stem}` for what their names have in common."""
    missing: Literal["background", "void", "skip"] | None = None
    """What becomes of images without mask; without the key they are an error."""
    val_fraction: Fraction | None = None
    """Share of the images for validation."""
    test_fraction: Fraction | None = None
    """Share of the images for tests."""
    split_files: Annotated[tuple[str, ...], Field(min_length=3, max_length=3)] | None = None
    """Lists of the names of the images of train, val and test; `-` for none."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Number of folds of a cross-validation."""
    group_by: str | None = None
    """Keeps images of a patient or scene in one split and fold: a regular expression, or a text with `{group}`."""
    range: str | None = None
    """Stored values that become 0 and 255: `LOW:HIGH`, one for each band with commas between; `auto`; `dtype`."""
    bands: str | None = None
    """Bands to take, numbers from 1 or names with commas between."""
    nodata: Annotated[float, Field(allow_inf_nan=True)] | None = None
    """Value that means that nothing was measured; `nan`: none does; without the key what the files say."""
    resize_masks: bool = False
    """Whether masks are fitted to images larger or smaller by one factor."""
    nearest_color: Annotated[int, Field(ge=0, le=255)] | None = None
    """A colour of no class becomes the nearest one, at most so far away in each channel."""
    threshold: float | None = None
    """Grey value from which on a pixel of a black-and-white mask is the object."""

    def given(self) -> dict[str, object]:
        """The keys that say something, with their values, in their order."""
        return {key: value for key, value in self.model_dump().items() if said(value)}


def said(value: object) -> bool:
    """Whether the value of a key, or of the option of its name, says something."""
    return value is not None and value is not False and value != ()


def read(file: Path) -> Project:
    """The project of a file. Raises InputError if it is not there, DataError with every fault of its keys."""
    if not file.exists():
        raise InputError(f"--project {file}: no such file")
    try:
        raw = toml_of(file.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: not a readable TOML file: {reason(error)}") from None
    try:
        return Project.model_validate(tuples(raw))
    except ValidationError as error:
        faults = {str(fault["loc"][0]): fault for fault in reversed(error.errors(include_url=False))}
        raise DataError(
            *few([*reversed(faults.items())], lambda one: f"{file}: {_sentence(*one)}", str(file))
        ) from None


def _sentence(key: str, fault: "ErrorDetails") -> str:
    if fault["type"] == "extra_forbidden":
        return f"unknown key {key} ({nearest(key, list(Project.model_fields))})"
    return f"{key}: {in_words(fault)}"


def text_of(values: Mapping[str, object]) -> str:
    """The content of the file that has these keys."""
    return HEAD + "".join(f"{key} = {toml(value)}\n" for key, value in values.items())
