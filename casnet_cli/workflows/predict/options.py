"""What a call of `casnet predict` asks for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PredictOptions:
    """The options of the command."""

    out: Path | None = None
    tile: int | None = None
    batch: int | None = None
    share: tuple[int, int] | None = None
    resume: bool = True
    overlay: bool = True
    further: tuple[str, ...] = ()
    fine: str = "always"
    reject_below: float | None = None
    target_accuracy: float | None = None
    mask_values: str = "palette"
    json: str | None = None
    engine: str | None = None
