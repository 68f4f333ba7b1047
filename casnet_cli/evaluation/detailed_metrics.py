"""All metrics beside those of the confusion matrix, counted image by image: the other keys of metrics.json."""

from collections.abc import Callable, Mapping

import numpy as np

from casnet_cli.evaluation.boundary import Boundary
from casnet_cli.evaluation.calibration import CalibrationErrors
from casnet_cli.evaluation.error_scores import ErrorScores
from casnet_cli.evaluation.metric import Metric, MetricSetup
from casnet_cli.evaluation.refinement import Refinement
from casnet_cli.evaluation.stratified import StratifiedAccuracy
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import LabelSet

METRICS: dict[str, Callable[[MetricSetup], Metric]] = {
    "refinement": lambda setup: Refinement(setup.labels.names),
    "error_scores": lambda setup: ErrorScores(setup.attention),
    "calibration": lambda setup: CalibrationErrors(setup.temperature),
    "boundary": lambda setup: Boundary(len(setup.labels)),
    "strata": lambda setup: StratifiedAccuracy(len(setup.labels)),
}
"""Every metric of an evaluation by a name of its own. A further one is one more line."""


class DetailedMetrics:
    """The metrics of `METRICS` on the images of one evaluation."""

    def __init__(self, labels: LabelSet, temperature: float | None, attention: bool):
        setup = MetricSetup(labels, temperature, attention)
        self.metrics: dict[str, Metric] = {name: make(setup) for name, make in METRICS.items()}

    def add(self, truth: np.ndarray, outputs: PixelOutputs) -> None:
        """Count one image. truth: (H, W) uint8 ids. outputs: those of `outputs.evaluation_outputs`, (H, W)."""
        for metric in self.metrics.values():
            metric.add(truth, outputs)

    def summary(self) -> dict[str, object]:
        """Keys of metrics.json; None for what the variant lacks. Metrics may share a key whose value has keys."""
        found: dict[str, object] = {}
        for metric in self.metrics.values():
            for key, value in metric.summary().items():
                earlier = found.get(key)
                shared = isinstance(earlier, Mapping) and isinstance(value, Mapping)
                found[key] = {**earlier, **value} if shared else value  # type: ignore[dict-item]
        return found

    def risk_coverage(self, points: int = 100) -> list[tuple[float, float]]:
        """Coverage and risk by the largest probability of the final output, thinned out for drawing."""
        scores = self.metrics.get("error_scores")
        return scores.risk_coverage(points) if isinstance(scores, ErrorScores) else []
