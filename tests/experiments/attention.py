"""How good the attention branch is, and what the fine branch adds: python tests/experiments/attention.py RUN OUT.json

On the images that `casnet eval` measures, with the run's own evaluation settings. OUT.json: how sure the branch is, how
often the coarse and the fine output differ, which of them is right there, and on how many pixels either is, which is
what an oracle could reach.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli import backend
from casnet_cli.evaluation.evaluator import BRANCH_OUTPUTS, predict_samples
from casnet_cli.evaluation.measurement import evaluation_key
from casnet_cli.labels import VOID
from casnet_cli.runs import trained

THRESHOLDS = (0.4, 0.5, 0.6)


class Pixels:
    """Counts of labelled pixels, and of those that each branch has right."""

    def __init__(self) -> None:
        self.number, self.sure = 0, 0.0
        self.right = dict.fromkeys(BRANCH_OUTPUTS, 0)

    def add(self, selected: np.ndarray, easy: np.ndarray, right: dict[str, np.ndarray]) -> None:
        """(N,) each: which pixels are of this kind, p_a, and which pixels each branch has right."""
        self.number += int(selected.sum())
        self.sure += float(easy[selected].sum(dtype=np.float64))
        for name, mask in right.items():
            self.right[name] += int(mask[selected].sum())

    def summary(self, of: int) -> dict[str, Any]:
        """of: labelled pixels in all."""
        if not self.number:
            return {"share": 0.0}
        accuracy = {name: count / self.number for name, count in self.right.items()}
        return {"share": self.number / of, "mean_p_a": self.sure / self.number, "accuracy": accuracy}


def main() -> None:
    found = trained.find_run(Path(sys.argv[1]))
    key = evaluation_key(found, trained.open_run_data(found, None))
    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.outputs import BRANCHES
    from casnet_cli.inference.predictor import InferenceSettings

    predictor = open_predictor(found, BRANCHES, InferenceSettings(scale=key.scale))
    kinds = ["all", "coarse_right", "coarse_wrong", "differing", *(f"p_a_below_{limit}" for limit in THRESHOLDS)]
    pixels = {kind: Pixels() for kind in kinds}
    either = 0
    for _, sample, outputs in predict_samples(predictor, whole_images(key.images)):
        known = sample.label != VOID
        truth, classes = sample.label[known], {name: outputs[output][known] for name, output in BRANCH_OUTPUTS.items()}
        easy = 1 - outputs["difficulty"][known]
        right = {name: predicted == truth for name, predicted in classes.items()}
        either += int((right["coarse"] | right["fine"]).sum())
        masks = [np.ones_like(known[known]), right["coarse"], ~right["coarse"], classes["coarse"] != classes["fine"]]
        for kind, mask in zip(kinds, [*masks, *(easy < limit for limit in THRESHOLDS)], strict=True):
            pixels[kind].add(mask, easy, right)
    summary = {kind: each.summary(pixels["all"].number) for kind, each in pixels.items()}
    text = json.dumps({**key.identity.model_dump(), **summary, "either_right": either / pixels["all"].number}, indent=2)
    Path(sys.argv[2]).write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
