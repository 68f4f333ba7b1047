"""Which outputs a predictor gives for every pixel, by name, whatever computes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

BRANCH_PREFIX = "p_"
"""Before the name of the probabilities of a branch, (K, H, W): p_coarse, p_fine, p_fused; and p_difficult, (H, W)."""

CLASS_PREFIX = "class_"
"""Before the name of a branch: its classes."""

SCORES = ("entropy", "max_softmax", "margin")
"""Of a branch's probabilities, 0..1, high where a softmax is uncertain."""


@dataclass(frozen=True)
class Outputs:
    """A choice of what is computed from the probabilities of pixels."""

    names: Mapping[str, str]
    """Name of each output, and the quantity that it is: one of `QUANTITIES`. What needs a branch that a network has not
    is left out."""
    temperature: float | None = None
    """Of the quantity `calibrated`; None: it is left out."""

    def __or__(self, more: Mapping[str, str]) -> "Outputs":
        """With further outputs."""
        return Outputs({**self.names, **more}, self.temperature)

    def of(self, branches: Iterable[str]) -> dict[str, str]:
        """Those names that a network with these branches has."""
        there = quantities(branches, self.temperature)
        return {name: quantity for name, quantity in self.names.items() if quantity in there}


def quantities(branches: Iterable[str], temperature: float | None = None) -> list[str]:
    """What can be computed for the pixels of a network with those branches.

    `mask`, class ids (H, W) uint8, and `class_coarse` and `class_fine`, those of a branch alone; `confidence`, the
    probability of the class; `calibrated`, the same at a temperature; `difficulty`; `coarse_…` and `final_…`, the
    `SCORES`; and what `BRANCH_PREFIX` begins.
    """
    own = [name for name in ("coarse", "fine") if name in (branches := tuple(branches))]
    scored = [("coarse_", "coarse" in own), ("final_", True)]
    return [
        "mask",
        "confidence",
        "difficulty",
        *(f"{CLASS_PREFIX}{name}" for name in own),
        *(f"{before}{score}" for before, there in scored if there for score in SCORES),
        *(["calibrated"] if temperature else []),
        *(f"{BRANCH_PREFIX}{name}" for name in probability_names(branches)),
    ]


def probability_names(branches: Iterable[str]) -> tuple[str, ...]:
    """The names of the probabilities that a network with those branches has."""
    return (*("difficult" if name == "attention" else name for name in branches), "fused")


def _alike(*names: str) -> dict[str, str]:
    return {name: name for name in names}


PROBABILITIES = {"probabilities": f"{BRANCH_PREFIX}fused"}
"""The probability of every class, (K, H, W)."""

OF_BRANCHES = Outputs({name: f"{BRANCH_PREFIX}{name}" for name in ("coarse", "difficult", "fine", "fused")})
"""The probabilities of every branch, from which all other outputs follow."""

MASK = Outputs(_alike("mask", "confidence", "difficulty"))
"""What prediction needs, (H, W) each."""

BRANCHES = MASK | {name: f"{CLASS_PREFIX}{name}" for name in ("coarse", "fine")}
"""`MASK`, and the classes of the branches `coarse` and `fine` alone."""

RANKING = Outputs({"mask": "mask", "difficulty": "difficulty", "entropy": "final_entropy", "margin": "final_margin"})
"""What images are ranked by, (H, W) each."""


def prediction_outputs(temperature: float | None, probabilities: bool = False) -> Outputs:
    """`MASK`, the confidence calibrated if there is a temperature, and on request `PROBABILITIES`."""
    found = Outputs(MASK.names, temperature)
    found = found | ({"confidence": "calibrated"} if temperature else {})
    return found | (PROBABILITIES if probabilities else {})


def evaluation_outputs(temperature: float | None) -> Outputs:
    """`BRANCHES`, and what else evaluation needs, (H, W) each: `SCORES` of the coarse branch and of the fused
    probabilities, and `calibrated`, if there is a temperature."""
    scores = _alike(*(f"{before}_{score}" for before in ("coarse", "final") for score in SCORES), "calibrated")
    return Outputs({**BRANCHES.names, **scores}, temperature)


def choices(temperature: float | None) -> dict[str, Outputs]:
    """The choices that commands take, by name, from the cheapest on."""
    return {
        "prediction": prediction_outputs(temperature),
        "ranking": RANKING,
        "probabilities": prediction_outputs(temperature, probabilities=True),
        "branches": OF_BRANCHES,
        "evaluation": evaluation_outputs(temperature),
    }
