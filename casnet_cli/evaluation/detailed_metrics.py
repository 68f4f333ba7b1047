"""All that is measured of a network beside its confusion matrix, image by image: metrics.json's other keys."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casnet_cli.evaluation.boundary import WIDTH, Boundary
from casnet_cli.evaluation.calibration import Calibration
from casnet_cli.evaluation.error_detection import ErrorDetection
from casnet_cli.evaluation.refinement import Refinement
from casnet_cli.evaluation.stratified import StratifiedAccuracy
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import VOID, LabelSet

RIVALS = ("entropy", "max_softmax", "margin")
"""Scores of a softmax that rank by doubt: entropy / log K, 1 − the largest probability, 1 − its lead on the second."""

DETECTORS = {
    "one_minus_p_a": "difficulty, 1 − p_a",
    "entropy": "entropy",
    "max_softmax": "1 − largest probability",
    "margin": "margin",
}
TARGETS = {"coarse_errors": "coarse", "final_errors": "mask"}
PARTS = 10
ACCURACY = 0.95


@dataclass
class DetailedMetrics:
    """temperature: of the checkpoint, None if it has none. attention: whether `difficulty` is 1 − p_a."""

    labels: LabelSet
    temperature: float | None
    attention: bool
    rankings: dict[tuple[str, str], ErrorDetection] = field(default_factory=dict)
    plain: Calibration = field(default_factory=Calibration)
    calibrated: Calibration = field(default_factory=Calibration)
    by_difficulty: ErrorDetection = field(default_factory=ErrorDetection)
    refinement: Refinement | None = None

    def __post_init__(self) -> None:
        self.boundary, self.strata = Boundary(len(self.labels)), StratifiedAccuracy(len(self.labels))

    def add(self, truth: np.ndarray, said: PixelOutputs) -> None:
        """truth (H, W) ids; said: what `answers.measuring` says of the image, (H, W) each."""
        known = truth != VOID
        labels, wrong = truth[known], {target: (said[key] != truth)[known] for target, key in _there(said)}
        for target, mistakes in wrong.items():
            for detector in DETECTORS if self.attention else RIVALS:
                key = "difficulty" if detector == "one_minus_p_a" else f"{target.partition('_')[0]}_{detector}"
                self.rankings.setdefault((target, detector), ErrorDetection()).add(said[key][known], mistakes)
        right = ~wrong["final_errors"]
        self.by_difficulty.add(said["difficulty"][known], ~right)
        self.plain.add(said["confidence"][known], right)
        if self.temperature:
            self.calibrated.add(said["calibrated"][known], right)
        if "coarse" in said and "fine" in said:
            self.refinement = self.refinement or Refinement(len(self.labels))
            self.refinement.add(labels, said["coarse"][known], said["mask"][known])
        self.boundary.add(truth, said["mask"])
        self.strata.add(truth, said["mask"])

    def summary(self) -> dict[str, Any]:
        """Keys of metrics.json; None for what the variant lacks."""
        sure = self.rankings.get(("final_errors", "max_softmax"), ErrorDetection())
        return {
            "refine": self.refinement.summary(self.labels.names) if self.refinement else None,
            "difficulty": {target: self._detected(target) for target in TARGETS},
            "calibration": {
                "ece": self.plain.error(),
                "ece_calibrated": self.calibrated.error(),
                "temperature": self.temperature,
            },
            "boundary": {
                "iou": self.boundary.iou(),
                "f1": self.boundary.f1(),
                "width_px": WIDTH,
                "pixels": int(self.boundary.truth.sum()),
            },
            "selective": _selective(sure) | {"by_difficulty": _selective(self.by_difficulty)},
            "accuracy_by": self.strata.summary() | {"difficulty_decile": self._deciles()},
        }

    def _detected(self, target: str) -> dict[str, Any] | None:
        own = {detector: self.rankings.get((target, detector)) for detector in DETECTORS}
        first = next((ranking for ranking in own.values() if ranking), None)
        if first is None:
            return None
        return {"base_rate": first.base_rate} | {
            detector: {"auroc": ranking.auroc(), "average_precision": ranking.average_precision()} if ranking else None
            for detector, ranking in own.items()
        }

    def _deciles(self) -> list[dict[str, Any]]:
        """From the easiest tenth of the pixels to the hardest."""
        return [
            {"from": part / PARTS, "pixels": pixels, "accuracy": 1 - wrong / pixels if pixels else None}
            for part, (pixels, wrong) in enumerate(self.by_difficulty.by_quantile(PARTS))
        ]

    def curve(self, points: int = 100) -> list[tuple[float, float]]:
        """Coverage and risk by the fused answer's largest probability, thinned out for drawing."""
        coverage, risk = self.rankings.get(("final_errors", "max_softmax"), ErrorDetection()).risk_coverage()
        if not len(coverage):
            return []
        chosen = np.unique(np.searchsorted(coverage, np.linspace(0.01, 1, points)).clip(max=len(coverage) - 1))
        return [(float(coverage[index]), float(risk[index])) for index in chosen]


def _there(said: PixelOutputs) -> list[tuple[str, str]]:
    return [(target, key) for target, key in TARGETS.items() if key in said]


def _selective(ranking: ErrorDetection) -> dict[str, float | None]:
    return {"aurc": ranking.aurc(), "coverage_at_95_accuracy": ranking.coverage_at(ACCURACY)}
