"""A step whose loss is not finite: kept in a folder of the run, and repeated by `casnet train --replay`."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from casnet_cli import backend, console
from casnet_cli.errors import RunError, reason
from casnet_cli.runs import checkpoint
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.training.loop import StepReport, TrainingBatch
from casnet_cli.util.files import BROKEN_NPZ
from casnet_cli.util.parsing import json_of

if TYPE_CHECKING:
    from casnet_cli.training.train_state import TrainState

STATE, BATCH, ABOUT = "state.h5", "batch.npz", "step.json"


def keep(
    run: Path,
    report: StepReport,
    batch: TrainingBatch,
    state: "TrainState",
    meta: Meta,
    class_weights: tuple[float, ...] | None,
) -> Path:
    """Write what repeats a step into a folder of the run: the state before it, its images, their names. Returns it.

    Raises RunError.
    """
    folder = run / f"not-finite-step-{report.step:06d}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        checkpoint.save(folder / STATE, state.model, state.optimizer, meta)
        np.savez(folder / BATCH, image=batch.image, label=batch.label)
        about = {
            "step": report.step,
            "images": list(batch.names),
            "rate": report.rate,
            "losses": report.result.losses,
            "gradient_norm": report.result.gradient_norm,
            "class_weights": class_weights,
        }
        (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {reason(error)}") from None
    return folder


def replay(folder: Path) -> None:
    """Repeat a step that was kept and show its losses. Exits 1 if it is not finite again. Raises RunError."""
    try:
        about = json_of((folder / ABOUT).read_bytes())
        with open(folder / BATCH, "rb") as file, np.load(file) as arrays:
            image, label = arrays["image"], arrays["label"]
        rate, weights = float(about["rate"]), tuple(map(float, about["class_weights"] or ())) or None
        title = f"step {about['step']}, rate {rate:g}: {', '.join(about['images'])}"
        then = {**about["losses"], "gradient norm": about["gradient_norm"]}
    except (*BROKEN_NPZ, AttributeError) as error:
        raise RunError(f"{folder}: not the folder of a step that failed: {reason(error)}") from None
    meta = checkpoint.read_meta(folder / STATE)
    backend.start()
    from casnet_cli.training.step import set_up
    from casnet_cli.training.train_state import assemble

    with backend.silence():
        devices = set_up(meta.recipe.training, "single")
    state = assemble(meta.recipe, len(meta.labels), devices, pretrained=False, class_weights=weights)
    checkpoint.restore(folder / STATE, state.model, state.optimizer)
    result = state.step(image, label, rate)
    now = {**result.losses, "gradient norm": result.gradient_norm}
    rows = [(name, str(then.get(name)), str(value)) for name, value in now.items()]
    console.table(title, ("", "then", "now"), rows)
    if not result.finite:
        raise typer.Exit(1)
