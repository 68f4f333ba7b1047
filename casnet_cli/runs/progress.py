"""How far a training has come."""

from dataclasses import dataclass, field
from typing import TypedDict

SCORE = "pixel_accuracy"
"""The validation metric that the plateau schedule watches and that selects the best checkpoint (section 4.2)."""

EpochRow = dict[str, float]
"""A line of the history: `epoch`, `step`, `learning_rate`, losses, `val_…` metrics, and times as `…_seconds`."""


class ScheduleState(TypedDict, total=False):
    """State of the learning rate's schedule."""

    best: float
    """Best validation accuracy so far, -1 before the first."""
    waited: int
    """Validations since the best one or the last drop of the rate."""
    since_best: int
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
