"""Thresholds of `casnet predict` that a run's validation images decide."""

from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.errors import RunError
from casnet_cli.util.shell import typed
from casnet_cli.util.text import percent
from casnet_cli.workflows.predict.options import PredictOptions

if TYPE_CHECKING:
    from casnet_cli.runs.trained import TrainedRun


def reject_below(run: "TrainedRun", options: PredictOptions) -> float:
    """The confidence below which pixels become void; 0: none.

    Raises RunError where the validation images give none for the accuracy of `--target-accuracy`.
    """
    if options.target_accuracy is None:
        return options.reject_below or 0.0
    from casnet_cli.evaluation.calibration import threshold_for

    points = run.meta.calibration.get("selective")
    if not points:
        raise RunError(f"{run.file}: {_uncalibrated('accuracies by confidence', run)}")
    found = threshold_for(points, options.target_accuracy)
    if found is None:
        best = max(accuracy for *_, accuracy in points)
        raise RunError(
            f"--target-accuracy {options.target_accuracy:g}: no confidence promises it "
            f"(on the validation images at most {best:.4f})"
        )
    below, coverage, accuracy = found
    kept, right = percent(coverage), percent(accuracy)
    console.message(
        f"rejecting pixels of a confidence below {below:.4f}: of the validation images it keeps {kept} %, {right} % of "
        "them right"
    )
    return float(below)


def easy_below(run: "TrainedRun", options: PredictOptions) -> float | None:
    """See `InferenceSettings.easy_below`. Raises RunError where `--fine auto` has no threshold."""
    if options.fine == "always":
        return None
    if "easy" not in run.meta.calibration:
        raise RunError(f"{run.file}: {_uncalibrated('threshold for --fine auto', run)}")
    easy = run.meta.calibration["easy"]
    return easy["below"] if easy else None


def _uncalibrated(what: str, run: "TrainedRun") -> str:
    again = f"casnet train --run {typed(run.folder or 'RUN')} --resume"
    return f"holds no {what} (written at the end of a training; {again} adds it to a finished one)"
