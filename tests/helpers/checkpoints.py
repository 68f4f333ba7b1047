"""Runs made by hand, with checkpoints that hold everything but weights: for what reads no more than their meta."""

import json
from pathlib import Path

import h5py

from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import FORMAT, VERSION, Meta, attributes_of
from casnet_cli.runs.content_digest import ATTRIBUTE, content_digest, stored_arrays
from casnet_cli.runs.locate import RunLayout
from casnet_cli.runs.progress import Progress


def write_checkpoint(file: Path, meta: Meta) -> Path:
    """A checkpoint without arrays, and so without a digest of them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with h5py.File(file, "w") as opened:
        opened.attrs.update({"format": FORMAT, "version": VERSION} | attributes_of(meta))
    return file


def seal(file: h5py.File) -> None:
    """Make the digest of a changed checkpoint right."""
    file.attrs[ATTRIBUTE] = content_digest(file.attrs, stored_arrays(file))


def meta_after(store: Store, recipe: Recipe, epochs: int, fold: int | None = None, ended: bool = False) -> Meta:
    """Of a run after so many epochs of three steps. ended: by its schedule."""
    history = [{"epoch": epoch, "step": 3 * epoch} for epoch in range(1, epochs + 1)]
    schedule = {"best": 0.5, "waited": 0, "since_best": 0, "dropped": 0, "finished": ended}
    progress = Progress(3 * epochs, {}, 0.0, history)
    data = store.labels, store.name, store.content_sha256
    recipe = recipes.changed(recipe, [f"model.input_bands={len(store.intensities.bands)}"])
    return Meta(recipe, *data, fold, progress, schedule, intensities=store.intensities)  # type: ignore[arg-type]


def write_run(folder: Path, store: Store, meta: Meta) -> RunLayout:
    """A run folder with that last checkpoint, as after an interruption."""
    run = RunLayout(folder)
    write_checkpoint(run.last, meta)
    run.record.write_text(json.dumps({"data": str(store.path.resolve()), "fold": meta.fold, "init": None}))
    return run
