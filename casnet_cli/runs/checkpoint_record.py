"""The attributes of a checkpoint, which are also a part of every export's description, as models."""

import math
from typing import Annotated, Any, TypedDict

from pydantic import Field, Json, field_validator

from casnet_cli.data.intensities_record import IntensitiesRecord, Number
from casnet_cli.data.store_record import Color, Name
from casnet_cli.runs.json_record import Record

LONGEST_RECIPE = 1 << 20
"""Characters of a recipe."""

Count = Annotated[int, Field(ge=0, le=1 << 53)]


class EasyThreshold(TypedDict):
    """The difficulty below which `--fine auto` leaves the fine branch out."""

    below: float
    """Images and tiles whose largest difficulty is less are easy."""
    share: float
    """Share of the validation images that were easy."""
    loss: float
    """Pixel accuracy that this cost on the validation images, a fraction."""


class Calibration(TypedDict, total=False):
    """What is fitted on validation images after training."""

    temperature: float | None
    """Log-probabilities are divided by it, so that confidence equals accuracy; None: none fits."""
    images: int
    """Validation images that all of it rests on."""
    difficulty: list[float]
    """Mean difficulty of each validation image."""
    selective: list[tuple[float, float, float]]
    """Rows of a threshold of confidence, the share of pixels above it, and their accuracy."""
    easy: EasyThreshold | None
    """None: no threshold costs little enough, or the variant has no attention branch."""


class DataOrigin(Record):
    """The data set that a network was trained on."""

    name: Name
    """Its name."""
    sha256: Name
    """Digest of its content."""
    fold: Count | None
    """Fold of the cross-validation; null: the data have no folds."""


class ProgressRecord(Record):
    """How far a training had come."""

    step: Count
    """Steps done."""
    sums: dict[str, Number]
    """Sum of each loss over the steps of the epoch under way."""
    history: list[dict[str, Number | None]]
    """A row for each finished epoch."""

    @field_validator("history")
    @classmethod
    def _numbered(cls, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all(math.isfinite(row.get("epoch") or math.nan) for row in rows):
            raise ValueError("should number its epochs")
        return rows


class ScheduleRecord(Record):
    """State of the learning rate's schedule; what is not there is as at the beginning."""

    best: Number = -1
    """Best score of a validation so far."""
    waited: Count = 0
    """Validations since the best one or the last drop of the rate."""
    since_best: Count | None = None
    """Validations since the best one; missing in older checkpoints."""
    dropped: Count = 0
    """How often the rate has been divided."""
    finished: bool = False
    """Whether the schedule has ended the run."""


class EasyRecord(Record):
    """The difficulty below which `--fine auto` leaves the fine branch out."""

    below: Number
    """Images and tiles whose largest difficulty is less are easy."""
    share: Number = 0
    """Share of the validation images that were easy."""
    loss: Number = 0
    """Pixel accuracy that this cost on the validation images, a fraction."""


class CalibrationRecord(Record):
    """What was fitted on validation images after training."""

    temperature: Annotated[Number, Field(gt=0, allow_inf_nan=False)] | None = None
    """Log-probabilities are divided by it; null: none fits."""
    images: Count = 0
    """Validation images that all of it rests on."""
    difficulty: list[Number] = []
    """Mean difficulty of each validation image."""
    selective: list[tuple[Number, Number, Number]] = []
    """Rows of a threshold of confidence, the share of pixels above it, and their accuracy."""
    easy: EasyRecord | None = None
    """The threshold of `--fine auto`; null: none costs little enough."""


class CheckpointRecord(Record):
    """The attributes of a checkpoint."""

    recipe: Annotated[str, Field(max_length=LONGEST_RECIPE)]
    """The recipe, TOML."""
    classes: list[Name]
    """Names of the classes, in the order of their ids."""
    palette: list[Color]
    """Colour of each class: red, green, blue."""
    data: Json[DataOrigin]
    """The data set."""
    progress: Json[ProgressRecord]
    """The training's progress."""
    schedule: Json[ScheduleRecord]
    """State of the learning rate's schedule."""
    calibration: Json[CalibrationRecord] | None = None
    """What was fitted after training; missing: nothing."""
    intensities: Json[IntensitiesRecord] | None = None
    """Type, bands and range of the pictures; missing: 8-bit RGB."""
