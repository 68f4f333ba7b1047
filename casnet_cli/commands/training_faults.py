"""When a step goes wrong: a loss that is no number is kept and can be repeated, a full memory gets advice."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from casnet_cli import console, engine, machine
from casnet_cli.errors import OutOfMemory, RunError, reason
from casnet_cli.files import BROKEN_NPZ
from casnet_cli.recipe import Training
from casnet_cli.training import checkpoint
from casnet_cli.training.checkpoint import Meta
from casnet_cli.training.loop import StepReport

if TYPE_CHECKING:
    from casnet_cli.trainee import Trainee
    from casnet_cli.training.step import Step

STATE, BATCH, ABOUT = "state.h5", "batch.npz", "step.json"


def keep(
    run: Path, report: StepReport, batch: Any, trainee: "Trainee", meta: Meta, weights: tuple[float, ...] | None
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
    engine.start()
    from casnet_cli.trainee import assemble
    from casnet_cli.training.step import set_up

    with engine.silence():
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


WORKING = 1.3
"""Memory of a step on a processor over the values that its layers put out; measured 1.1 to 1.3."""

LIBRARIES = 700 * 2**20
BYTES = {"float64": 8, "float32": 4, "bfloat16": 3, "float16": 3}
"""Of a value in memory; with half precision the largest maps, those of the softmaxes, are whole."""

COPIES = 4
"""Of each weight: itself, its velocity, its gradient, and the new value."""


def check_memory(trainee: "Trainee", section: Training, crop: int, rows: int) -> None:
    """Refuse a batch that does not fit into the machine's memory, before its system ends the process without a word.

    rows: of the batch on this machine at a time. Raises OutOfMemory. Nothing is known of a GPU's memory here.
    """
    from casnet_cli.model.operations import activations

    free = machine.memory_available()
    row = WORKING * BYTES[section.precision] * activations(trainee.model, crop, crop)
    fixed = LIBRARIES + COPIES * max(4, BYTES[section.precision]) * trainee.model.count_params()
    if free is None or fixed + rows * row <= free:
        return
    share = max(0, int((free - fixed) // row)) / rows
    need = f"about {(fixed + rows * row) / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free"
    raise _too_large(section, share, need)


def smaller_batch(step: "Step", image: np.ndarray, label: np.ndarray, section: Training) -> OutOfMemory:
    """What to say of a step that did not fit, after trying smaller parts of its batch."""
    rows = len(image) // 2
    while rows:
        try:
            step(image[:rows], label[:rows], 0.0)
            break
        except OutOfMemory:
            rows //= 2
        except ValueError:  # the devices cannot share so few
            rows = 0
    return _too_large(section, rows / len(image), "more memory than there is")


def _too_large(section: Training, share: float, need: str) -> OutOfMemory:
    """share: of the batch that fits, 0 to 1."""
    fits = int(section.batch_size * share)
    if not fits:
        return OutOfMemory(f"training.batch_size: even a batch of 1 needs {need} (lower augmentation.crop)")
    most = section.batch_size // section.accumulation  # parts of one row
    ways = (n for n in range(1, most) if section.batch_size % (n * section.accumulation) == 0)
    parts = next((n for n in ways if section.batch_size / n <= fits), most)
    told = f"training.batch_size = {fits} fits; training.accumulation = {parts * section.accumulation} cuts the batch"
    return OutOfMemory(f"training.batch_size: {section.batch_size} needs {need} ({told})")
