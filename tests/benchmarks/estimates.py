"""How good the estimates of a training's time are: python estimates.py DATA.h5 [RECIPE] [--set …].

Trains in a temporary folder, and prints the time of the whole command as it was expected at the start (six steps), at a
tenth, at a half and at nine tenths of the steps, each beside the time that it took. Worth something on a quiet machine.
"""

import sys
import tempfile
import time
from pathlib import Path

from casnet_cli.training.loop import StepReport
from casnet_cli.workflows.train import trainer
from casnet_cli.workflows.train.progress_view import MEASURED, TrainingView
from casnet_cli.workflows.train.session import TrainOptions, train

SHARES = (0.1, 0.5, 0.9)

began = time.monotonic()
expected: dict[str, float] = {}


class WatchedView(TrainingView):
    """Also keeps what is expected on the way."""

    def step(self, report: StepReport) -> None:
        super().step(report)
        passed, left = time.monotonic() - began, self.pace.left(self.progress)
        if report.step == MEASURED:
            expected["as shown"] = self.pace.total()
            expected["at the start"] = passed + left
        for share in SHARES:
            if report.step == round(share * self.plan.length.steps):
                expected[f"at {share:.0%}"] = passed + left


def main(data: str, recipe: str | None = None, *words: str) -> None:
    trainer.TrainingView = WatchedView  # type: ignore[misc]
    overrides = [word for word in words if word != "--set"]
    with tempfile.TemporaryDirectory() as folder:
        train(TrainOptions(recipe, Path(data), Path(folder) / "run", overrides))
    took = time.monotonic() - began
    for moment, seconds in expected.items():
        print(f"{moment}: {seconds:.1f} s expected, {seconds / took:.2f} of the {took:.1f} s that it took")


if __name__ == "__main__":
    main(*sys.argv[1:])
