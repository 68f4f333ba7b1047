"""What the second look changed: pixels that the final answer mends or spoils against the coarse one."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Refinement:
    """(K,) labelled pixels of each true class: wrong before and right now, right before and wrong now, all others."""

    classes: int
    fixed: np.ndarray = field(init=False)
    broken: np.ndarray = field(init=False)
    unchanged: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.fixed, self.broken, self.unchanged = (np.zeros(self.classes, np.int64) for _ in range(3))

    def add(self, truth: np.ndarray, coarse: np.ndarray, final: np.ndarray) -> None:
        """(N,) ids of labelled pixels each."""
        before, now = coarse == truth, final == truth
        for counts, where in (
            (self.fixed, now & ~before),
            (self.broken, before & ~now),
            (self.unchanged, before == now),
        ):
            counts += np.bincount(truth[where], minlength=self.classes)

    def summary(self, names: tuple[str, ...]) -> dict[str, Any]:
        kinds = ("fixed", "broken", "unchanged")
        return {
            **{kind: int(getattr(self, kind).sum()) for kind in kinds},
            "per_class": [
                {"name": name, **{kind: int(getattr(self, kind)[k]) for kind in kinds}} for k, name in enumerate(names)
            ],
        }
