"""The attributes of a prepared file, as a model."""

from pathlib import Path
from typing import Annotated

import h5py
from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from casnet_cli.errors import DataError
from casnet_cli.labels import MAX_CLASSES
from casnet_cli.util.hdf5 import plain_attributes
from casnet_cli.util.model_faults import first_fault

FORMAT = "casnet-data"
VERSION = 2
"""1 has no intensities; its images are 8-bit RGB."""

Name = Annotated[str, Field(max_length=1_000)]
"""A name or a digest."""

Color = Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=3, max_length=3)]
"""Red, green and blue."""


class StoreRecord(BaseModel):
    """What is read of the attributes, statistics apart."""

    model_config = ConfigDict(strict=True)

    name: Name
    """Of the data set."""
    classes: Annotated[list[Name], Field(max_length=MAX_CLASSES)]
    """Names of the classes, in the order of their ids."""
    palette: list[Color]
    """Colour of each class."""
    folds: Annotated[int, Field(ge=0)]
    """Number of folds; 0: none."""
    content_sha256: Name
    """Digest of all images and labels."""
    intensities: Json[dict[str, object]] = {}
    """The fields of `IntensitiesRecord`; missing: 8-bit RGB."""
    versions: Json[list[tuple[Name, Annotated[int, Field(gt=0)]]]] = []
    """Digest of each earlier version, and its number of training images; the oldest first."""
    content: Json[dict[str, Name]] = {}
    """First digits of the digest of each part, such as `train images`."""
    source: str = ""
    """What the file was made from."""
    source_sha256: str = ""
    """Digest of the files it was made from."""


def read(file: h5py.File, path: Path) -> StoreRecord:
    """The attributes of a prepared file. Raises DataError for a foreign or newer one, ValueError for a damaged one, or
    whatever h5py raises."""
    attributes = plain_attributes(file.attrs)
    if attributes.get("format") != FORMAT:
        raise DataError(f"{path}: not a prepared data set of casnet (`casnet prepare DATASET` writes one)")
    version = attributes.get("version")
    if not isinstance(version, int):
        raise ValueError("it has no version")
    if version > VERSION:
        newer = f"written by a newer casnet, version {version} (this one reads {VERSION})"
        raise DataError(f"{path}: {newer}")
    try:
        return StoreRecord.model_validate(attributes)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None
