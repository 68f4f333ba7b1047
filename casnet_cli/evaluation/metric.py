"""What a metric of an evaluation is: anything that counts images one by one and sums itself up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import LabelSet


@dataclass(frozen=True)
class MetricSetup:
    """What a metric may need to know before the first image."""

    labels: LabelSet
    """Classes of the data."""
    temperature: float | None
    """Temperature of the checkpoint; None: it has none."""
    attention: bool
    """Whether the output `difficulty` is 1 − p_a, from an attention branch."""


class Metric(Protocol):
    """A metric: one file of this folder, and a line in `detailed_metrics.METRICS`."""

    def add(self, truth: np.ndarray, outputs: PixelOutputs) -> None:
        """Count one image. truth: (H, W) uint8 ids. outputs: those of `outputs.evaluation_outputs`, (H, W)."""
        ...

    def summary(self) -> Mapping[str, object]:
        """Keys of metrics.json with their values, ready for JSON; None where there is nothing to measure."""
        ...
