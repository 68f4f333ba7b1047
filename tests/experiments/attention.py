"""What the attention branch knows and what the second look does with it: python tests/experiments/attention.py RUN OUT

On the images that `casnet eval` measures, as it asks about them. OUT.json: how sure the branch is, how often the coarse
and the fine answer differ, who is right there, and on how many pixels either is, which is what an oracle could reach.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli import backend
from casnet_cli.evaluation.evaluator import BRANCHES, predict_samples
from casnet_cli.evaluation.measurement import evaluation_key
from casnet_cli.labels import VOID
from casnet_cli.runs import trained

THRESHOLDS = (0.4, 0.5, 0.6)


class Pixels:
    """Counts of labelled pixels, and of those that each branch has right."""

    def __init__(self) -> None:
        self.number, self.sure = 0, 0.0
        self.right = dict.fromkeys(BRANCHES, 0)

    def add(self, chosen: np.ndarray, easy: np.ndarray, right: dict[str, np.ndarray]) -> None:
        """(N,) each: which pixels are of this kind, p_a, and who is right."""
        self.number += int(chosen.sum())
        self.sure += float(easy[chosen].sum(dtype=np.float64))
        for name, mask in right.items():
            self.right[name] += int(mask[chosen].sum())

    def told(self, of: int) -> dict[str, Any]:
        if not self.number:
            return {"share": 0.0}
        accuracy = {name: count / self.number for name, count in self.right.items()}
        return {"share": self.number / of, "mean_p_a": self.sure / self.number, "accuracy": accuracy}


def main() -> None:
    found = trained.find_run(Path(sys.argv[1]))
    wanted = evaluation_key(found, trained.open_run_data(found, None))
    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.pixel_outputs import branch_outputs
    from casnet_cli.inference.predictor import InferenceSettings

    network = open_predictor(found, branch_outputs, InferenceSettings(scale=wanted.scale))
    kinds = ["all", "coarse_right", "coarse_wrong", "differing", *(f"p_a_below_{limit}" for limit in THRESHOLDS)]
    pixels = {kind: Pixels() for kind in kinds}
    either = 0
    for _, sample, said in predict_samples(network, whole_images(wanted.images)):
        known = sample.label != VOID
        truth, answers = sample.label[known], {name: said[key][known] for name, key in BRANCHES.items()}
        easy = 1 - said["difficulty"][known]
        right = {name: answer == truth for name, answer in answers.items()}
        either += int((right["coarse"] | right["fine"]).sum())
        chosen = [np.ones_like(known[known]), right["coarse"], ~right["coarse"], answers["coarse"] != answers["fine"]]
        for kind, mask in zip(kinds, [*chosen, *(easy < limit for limit in THRESHOLDS)], strict=True):
            pixels[kind].add(mask, easy, right)
    told = {kind: each.told(pixels["all"].number) for kind, each in pixels.items()}
    text = json.dumps({**wanted.identity.model_dump(), **told, "either_right": either / pixels["all"].number}, indent=2)
    Path(sys.argv[2]).write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
