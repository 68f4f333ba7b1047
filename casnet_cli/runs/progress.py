"""How far a training has come."""

from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

CLASS = "class:"
"""Begins an `evaluation.best` that names a class."""

EpochRow = dict[str, float]
"""A line of the history: `epoch`, `step`, `learning_rate`, losses, `val_…` metrics, and times as `…_seconds`."""


def score_key(best: str) -> str:
    """The validation metric that `evaluation.best` means; with `val_` before it the column of the history.

    The plateau schedule, early stop and the choice of the best checkpoint go by it.
    """
    return "class_iou" if best.startswith(CLASS) else best


def score_words(best: str) -> str:
    """The same for the user, as in `best validation …`."""
    return f"IoU of {best.removeprefix(CLASS)}" if best.startswith(CLASS) else _WORDS[best]


_WORDS = {"pixel_accuracy": "accuracy", "mean_iou": "mean IoU"}


@dataclass(frozen=True)
class Validation:
    """What a validation found."""

    metrics: dict[str, float]
    """For the history, fractions by name."""
    score: float
    """That of them which `evaluation.best` means."""
    class_iou: dict[str, float | None] = field(default_factory=dict)
    """IoU of each class; None: the validation images do not show it."""
    lost: str = ""
    """The classes of which no pixel is found, in words; empty: there are none."""


class ScheduleState(TypedDict):
    """State of the learning rate's schedule."""

    best: float
    """Best score of a validation so far, by `evaluation.best`, -1 before the first."""
    waited: int
    """Validations since the best one or the last drop of the rate."""
    since_best: NotRequired[int]
    """Validations since the best one; missing in older checkpoints."""
    dropped: int
    """How often the rate has been divided."""
    finished: bool
    """Whether the schedule has ended the run."""


class TimelessProgress(TypedDict):
    """A training's progress without times: fields of `Progress`."""

    step: int
    """Steps done."""
    sums: dict[str, float]
    """Sum of each loss over the steps of the epoch under way."""
    history: list[EpochRow]
    """A row for each finished epoch, without its times."""


@dataclass
class Progress:
    """How far a training has come."""

    step: int = 0
    """Steps done."""
    sums: dict[str, float] = field(default_factory=dict)
    """Sum of each loss over the steps of the epoch under way."""
    seconds: float = 0.0
    """Time of these steps."""
    history: list[EpochRow] = field(default_factory=list)
    """A row for each finished epoch."""

    @property
    def epochs(self) -> int:
        """Epochs that have ended, their validation included."""
        return int(self.history[-1]["epoch"]) if self.history else 0

    def timeless(self) -> TimelessProgress:
        """All of it that the same training gives again, without what was read off the clock."""
        rows = [{name: value for name, value in row.items() if not name.endswith("_seconds")} for row in self.history]
        return {"step": self.step, "sums": self.sums, "history": rows}
