"""How well difficulty and the scores of a softmax separate wrong pixels from right ones."""

from dataclasses import dataclass, field

import numpy as np

from casnet_cli.evaluation.error_detection import ErrorDetection
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import VOID

RIVALS = ("entropy", "max_softmax", "margin")
"""Scores of a softmax that are high where it is uncertain: entropy / log K, 1 − the largest probability, and 1 − its
lead on the second."""

DETECTORS = {
    "one_minus_p_a": "difficulty, 1 − p_a",
    "entropy": "entropy",
    "max_softmax": "1 − largest probability",
    "margin": "margin",
}
"""Keys of metrics.json, with the words of tables."""

TARGETS = {"coarse_errors": "coarse", "final_errors": "mask"}
"""Keys of metrics.json, with the output that is wrong."""

PARTS = 10
"""Equally large parts of the pixels by difficulty."""

ACCURACY = 0.95
"""Accuracy at which coverage is measured."""


@dataclass
class ErrorScores:
    """Counts of right and wrong pixels by each score."""

    attention: bool
    """Whether the output `difficulty` is 1 − p_a, from an attention branch."""
    by_score: dict[tuple[str, str], ErrorDetection] = field(default_factory=dict)
    """By target and detector, those that occurred."""
    by_difficulty: ErrorDetection = field(default_factory=ErrorDetection)
    """Errors of the final output by the output `difficulty`, which every variant has."""

    def add(self, truth: np.ndarray, outputs: PixelOutputs) -> None:
        """Count one image. truth: (H, W) ids. outputs: those of `outputs.evaluation_outputs`, (H, W) each."""
        known = truth != VOID
        difficulty = outputs["difficulty"][known]
        for target, output in TARGETS.items():
            if output not in outputs:
                continue
            wrong = (outputs[output] != truth)[known]
            for rival in RIVALS:
                self._of(target, rival).add(outputs[f"{target.partition('_')[0]}_{rival}"][known], wrong)
            if target == "final_errors":
                self.by_difficulty.add(difficulty, wrong)
            elif self.attention:
                self._of(target, "one_minus_p_a").add(difficulty, wrong)
        if self.attention:
            self.by_score["final_errors", "one_minus_p_a"] = self.by_difficulty

    def _of(self, target: str, detector: str) -> ErrorDetection:
        return self.by_score.setdefault((target, detector), ErrorDetection())

    @property
    def _surest(self) -> ErrorDetection:
        return self.by_score.get(("final_errors", "max_softmax"), ErrorDetection())

    def summary(self) -> dict[str, object]:
        """The keys `difficulty`, `selective`, and of `accuracy_by` the tenths of difficulty."""
        return {
            "difficulty": {target: self._detected(target) for target in TARGETS},
            "selective": _selective(self._surest) | {"by_difficulty": _selective(self.by_difficulty)},
            "accuracy_by": {"difficulty_decile": self._deciles()},
        }

    def _detected(self, target: str) -> dict[str, object] | None:
        own = {detector: self.by_score.get((target, detector)) for detector in DETECTORS}
        first = next((counts for counts in own.values() if counts), None)
        if first is None:
            return None
        return {"base_rate": first.base_rate} | {
            detector: {"auroc": counts.auroc(), "average_precision": counts.average_precision()} if counts else None
            for detector, counts in own.items()
        }

    def _deciles(self) -> list[dict[str, object]]:
        """From the easiest tenth of the pixels to the hardest."""
        return [
            {"from": part / PARTS, "pixels": pixels, "accuracy": 1 - wrong / pixels if pixels else None}
            for part, (pixels, wrong) in enumerate(self.by_difficulty.by_quantile(PARTS))
        ]

    def risk_coverage(self, points: int) -> list[tuple[float, float]]:
        """Coverage and risk by the largest probability of the final output, at about so many coverages."""
        coverage, risk = self._surest.risk_coverage()
        if not len(coverage):
            return []
        chosen = np.unique(np.searchsorted(coverage, np.linspace(0.01, 1, points)).clip(max=len(coverage) - 1))
        return [(float(coverage[index]), float(risk[index])) for index in chosen]


def _selective(counts: ErrorDetection) -> dict[str, object]:
    return {"aurc": counts.aurc(), "coverage_at_95_accuracy": counts.coverage_at(ACCURACY)}
