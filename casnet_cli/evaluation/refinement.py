"""What fusion with the fine branch changes: pixels that the final output mends or spoils against the coarse one."""

from dataclasses import dataclass, field

import numpy as np

from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import VOID


@dataclass
class Refinement:
    """Labelled pixels of each true class, (K,) each."""

    names: tuple[str, ...]
    """Classes."""
    fixed: np.ndarray = field(init=False)
    """Wrong in the coarse output, right in the final one."""
    broken: np.ndarray = field(init=False)
    """Right in the coarse output, wrong in the final one."""
    unchanged: np.ndarray = field(init=False)
    """All others."""
    measured: bool = False
    """Whether some image had both branches."""

    def __post_init__(self) -> None:
        self.fixed, self.broken, self.unchanged = (np.zeros(len(self.names), np.int64) for _ in range(3))

    def add(self, truth: np.ndarray, outputs: PixelOutputs) -> None:
        """Count one image, (H, W) ids each. A variant with a single branch refines nothing."""
        if "coarse" not in outputs or "fine" not in outputs:
            return
        self.measured, known = True, truth != VOID
        labels = truth[known]
        before, now = outputs["coarse"][known] == labels, outputs["mask"][known] == labels
        for counts, where in (
            (self.fixed, now & ~before),
            (self.broken, before & ~now),
            (self.unchanged, before == now),
        ):
            counts += np.bincount(labels[where], minlength=len(self.names))

    def summary(self) -> dict[str, object]:
        """The key `refine`."""
        kinds = {"fixed": self.fixed, "broken": self.broken, "unchanged": self.unchanged}
        per_class = [
            {"name": name} | {kind: int(counts[k]) for kind, counts in kinds.items()}
            for k, name in enumerate(self.names)
        ]
        totals = {kind: int(counts.sum()) for kind, counts in kinds.items()}
        return {"refine": totals | {"per_class": per_class} if self.measured else None}
