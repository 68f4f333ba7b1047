"""The end of a run that needs no more training: what a stop left out, and `casnet train --finish`."""

from pathlib import Path

from casnet_cli import console
from casnet_cli.runs.checkpoint import Meta, finish
from casnet_cli.runs.folder import RunFolder
from casnet_cli.util.text import count
from casnet_cli.workflows import engine
from casnet_cli.workflows.train.calibrate import calibrate_run
from casnet_cli.workflows.train.plan import RunPlan, Start
from casnet_cli.workflows.train.writer import RunWriter


def complete(run: Path, plan: RunPlan, saved: Meta) -> None:
    """Do what is left of the end of a training, calibration included, and mark the run as finished.

    saved: meta of its last checkpoint. The mark comes last: a call that was killed is repeated. Raises RunError, of
    kind RunBusy if another process trains the run.
    """
    epochs, folder = saved.progress.epochs, RunFolder(run)
    if saved.finished:
        with folder.lock(console.once):
            folder.recall_times(saved.progress.history)
            folder.write_history(saved.progress.history)
            calibrate_run(run, plan.val_part)
            engine.prepare(run)
        console.message(f"{run}: finished already, after {count(epochs, 'epoch')}")
        return
    with RunWriter(plan, Start(run, saved=saved), saved.progress):
        if folder.take_last():
            console.message(f"note: {run} was never validated, and its last checkpoint becomes the best one")
        calibrate_run(run, plan.val_part)
        finish(folder.last)
        engine.prepare(run)
        line = f"finished after {epochs} of {count(saved.recipe.training.epochs, 'epoch')}"
        folder.log(line)
    console.message(f"{run}: {line}")
