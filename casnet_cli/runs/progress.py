"""How far a training has come."""

from dataclasses import dataclass, field
from typing import Any

SCORE = "pixel_accuracy"
"""The validation figure that the plateau schedule watches and that chooses the best checkpoint (section 4.2)."""


@dataclass
class Progress:
    """Where a run stands: steps done, loss sums of the epoch under way, one row per finished epoch."""

    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Epochs that have ended, their validation included."""
        return int(self.history[-1]["epoch"]) if self.history else 0

    def timeless(self) -> dict[str, Any]:
        """All of it that the same run gives again, without what was read off the clock."""
        rows = [{name: value for name, value in row.items() if not name.endswith("_seconds")} for row in self.history]
        return {"step": self.step, "sums": self.sums, "history": rows}
