"""When a step goes wrong: a loss that is no number is kept and can be repeated, a full memory gets advice."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from casnet_cli import backend, console
from casnet_cli.errors import RunError, reason
from casnet_cli.runs import checkpoint
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.training.loop import StepReport
from casnet_cli.util.files import BROKEN_NPZ

if TYPE_CHECKING:
    from casnet_cli.training.train_state import TrainState

STATE, BATCH, ABOUT = "state.h5", "batch.npz", "step.json"


def keep(
    run: Path, report: StepReport, batch: Any, trainee: "TrainState", meta: Meta, weights: tuple[float, ...] | None
) -> Path:
    """Everything that repeats the step, in a folder of the run: the state before it, the batch, its images' names."""
    folder = run / f"not-finite-step-{report.step:06d}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        checkpoint.save(folder / STATE, trainee.model, trainee.optimizer, meta)
        np.savez(folder / BATCH, image=batch.image, label=batch.label)
        about = {
            "step": report.step,
            "images": list(batch.names),
            "rate": report.rate,
            "losses": report.measured.losses,
            "gradient_norm": report.measured.gradient_norm,
            "class_weights": weights,
        }
        (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {reason(error)}") from None
    return folder


def replay(folder: Path) -> None:
    """Repeat a step that was kept and show what it finds. Exits 1 if it is not finite again. Raises RunError."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        with open(folder / BATCH, "rb") as file, np.load(file) as arrays:
            image, label = arrays["image"], arrays["label"]
        rate, weights, names = float(about["rate"]), about["class_weights"], about["images"]
        told = {**about["losses"], "gradient norm": about["gradient_norm"]}
    except BROKEN_NPZ as error:
        raise RunError(f"{folder}: not the folder of a step that failed: {reason(error)}") from None
    meta = checkpoint.read_meta(folder / STATE)
    backend.start()
    from casnet_cli.training.step import set_up
    from casnet_cli.training.train_state import assemble

    with backend.silence():
        devices = set_up(meta.recipe.training, "single")
    weights = tuple(weights) if weights else None
    trainee = assemble(meta.recipe, len(meta.labels), devices, pretrained=False, class_weights=weights)
    checkpoint.restore(folder / STATE, trainee.model, trainee.optimizer)
    measured = trainee.step(image, label, rate)
    found = {**measured.losses, "gradient norm": measured.gradient_norm}
    rows = [(name, str(told.get(name)), str(value)) for name, value in found.items()]
    console.table(f"step {about['step']}, rate {rate:g}: {', '.join(names)}", ("", "then", "now"), rows)
    if not measured.finite:
        raise typer.Exit(1)
