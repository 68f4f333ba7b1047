"""Whose network `casnet predict` asks, and by which engine: Keras a checkpoint, or a runtime an exported file."""

from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli.errors import BackendError, RunError
from casnet_cli.export.metadata import SUFFIXES
from casnet_cli.runs import locate
from casnet_cli.workflows.predict.options import PredictOptions

if TYPE_CHECKING:
    from casnet_cli.export.runtime import ExportedPredictor

KERAS = "keras"


def model_file(run: Path | None, engine: str | None) -> Path:
    """The checkpoint or exported file that is meant: of a run folder its best.h5, or its newest export for an engine.

    Raises RunError.
    """
    if run and (run.is_file() or run.suffix in SUFFIXES):
        own = SUFFIXES.get(run.suffix, KERAS)
        if engine not in (None, own):
            raise RunError(f"--engine {engine}: {run} is a file for {own}")
        return run
    folder = run or locate.newest_run()
    inside = {name: folder / f"model{suffix}" for suffix, name in SUFFIXES.items()}  # of an export's own folder
    if engine is None:
        engine = next((name for name, file in inside.items() if file.is_file()), KERAS)
    if engine == KERAS:
        return locate.checkpoint_of(folder)
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run (a run folder, a checkpoint or an exported file)")
    suffix = inside[engine].suffix
    found = [
        file
        for pattern in (f"model{suffix}", f"{locate.EXPORTS}/{engine}-*/model{suffix}")
        for file in folder.glob(pattern)
        if not locate.is_refused(file.parent)
    ]
    if not found:
        raise RunError(
            f"{folder}: no export for {engine} here (casnet export --run {folder} --format {engine} writes one)"
        )
    return max(found, key=lambda file: file.stat().st_mtime_ns)


def opened(file: Path, wanted: PredictOptions) -> "ExportedPredictor | None":
    """The network of an exported file; None of a checkpoint. Raises RunError or EngineError where the file cannot do
    what is wanted."""
    if file.suffix not in SUFFIXES:
        return None
    for option, given in (("--tile", wanted.tile), ("--fine auto", wanted.fine == "auto")):
        if given:
            raise BackendError(f"{option}: not with an exported file (--engine keras)")
    from casnet_cli.export.runtime import ExportedPredictor

    network = ExportedPredictor(file, wanted.batch)
    sure = wanted.reject_below or wanted.target_accuracy is not None
    if not network.tells and (sure or {"confidence", "probabilities"} & set(wanted.further)):
        raise RunError(f"{file}: does not tell how sure it is (casnet export --probabilities writes one that does)")
    _note_if_stale(file, network)
    return network


def _note_if_stale(file: Path, network: "ExportedPredictor") -> None:
    """Where the run around an export has another checkpoint by now."""
    from casnet_cli import console
    from casnet_cli.util.files import sha256_of

    best = locate.RunLayout(locate.run_of_export(file)).best
    if best.is_file() and sha256_of(best) != network.description["checkpoint_sha256"]:
        console.say(f"note: {file} was exported from an earlier checkpoint of its run (casnet export writes it anew)")
