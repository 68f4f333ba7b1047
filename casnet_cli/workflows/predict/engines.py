"""From `--run` and `--engine` to a predictor: Keras for a checkpoint, or a runtime for an exported file.

The runtimes of exported files are rows of `export.formats.FORMATS`. An engine for files of another kind costs a class
that satisfies `inference.protocol.Predictor` and a row of `ENGINES`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.errors import BackendError, RunError
from casnet_cli.export import formats
from casnet_cli.prediction.output_kinds import needs_of
from casnet_cli.runs import locate
from casnet_cli.util.shell import typed
from casnet_cli.workflows.engine import AUTO, FEW, KERAS
from casnet_cli.workflows.predict.options import PredictOptions
from casnet_cli.workflows.predict.thresholds import easy_below

if TYPE_CHECKING:
    from casnet_cli.export.runtime import ExportedPredictor
    from casnet_cli.inference.protocol import Predictor
    from casnet_cli.runs.trained import TrainedRun


@dataclass(frozen=True)
class OpenedModel:
    """A trained network in a file."""

    run: "TrainedRun"
    """The run that it comes from."""
    engine: "Callable[[int], ChosenEngine]"
    """What predicts so many inputs. May take seconds, and raises CasnetError."""


@dataclass(frozen=True)
class ChosenEngine:
    """What applies a network to images."""

    name: str
    """As `--engine` takes it."""
    predictor: "Callable[[frozenset[str]], Predictor]"
    """Makes it ready for outputs that need this beside mask and difficulty. May take seconds, and raises CasnetError.
    """


def model_file(run: Path | None, engine: str | None) -> Path:
    """The checkpoint or exported file to open: of a run folder its best checkpoint, or its newest export for an engine.

    Raises RunError.
    """
    if run and (run.is_file() or formats.engine_of(run)):
        own = engine_of(run)
        if engine not in (None, AUTO, own):
            raise RunError(f"--engine {engine}: {run} is a file for {own}")
        return run
    folder = run or locate.newest_run()
    inside = {name: folder / each.file for name, each in formats.engines().items()}  # of an export's own folder
    if engine in (None, AUTO):
        engine = next((name for name, file in inside.items() if file.is_file()), KERAS)
    if engine == KERAS:
        return locate.checkpoint_of(folder)
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run (a run folder, a checkpoint or an exported file)")
    name = inside[engine].name
    exports = locate.RunLayout(folder).exports.glob(f"{engine}-*/{name}")
    files = [file for file in (inside[engine], *exports) if file.is_file() and not locate.is_refused(file.parent)]
    if not files:
        raise RunError(
            f"{folder}: no export for {engine} here (casnet export --run {typed(folder)} --format {engine} writes one)"
        )
    return max(files, key=lambda file: file.stat().st_mtime_ns)


def engine_of(file: Path) -> str:
    """What runs the network in a file, by its ending."""
    return formats.engine_of(file) or KERAS


def open_any(file: Path, options: PredictOptions) -> OpenedModel:
    """The network of a checkpoint or an exported file. Raises CasnetError if it cannot do what the options need."""
    return ENGINES.get(engine_of(file), _open_export)(file, options)


def _open_checkpoint(file: Path, options: PredictOptions) -> OpenedModel:
    from casnet_cli.runs.trained import open_run

    run = open_run(file)
    return OpenedModel(run, lambda inputs: _engine_of_checkpoint(run, options, inputs))


def _engine_of_checkpoint(run: "TrainedRun", options: PredictOptions, inputs: int) -> ChosenEngine:
    from casnet_cli.inference.outputs import prediction_outputs
    from casnet_cli.inference.predictor import InferenceSettings
    from casnet_cli.workflows.engine import fastest

    settings = InferenceSettings(
        tile=options.tile, easy_below=easy_below(run, options), batch=options.batch, few=inputs <= FEW
    )
    engine = fastest(run, inputs, options.engine)

    def predictor(needs: frozenset[str]) -> "Predictor":
        return engine.predictor(prediction_outputs(run.meta.temperature, "probabilities" in needs), settings)

    return ChosenEngine(engine.name, predictor)


def _open_export(file: Path, options: PredictOptions) -> OpenedModel:
    for option, given in (("--tile", options.tile), ("--fine auto", options.fine == "auto")):
        if given:
            raise BackendError(f"{option}: not with an exported file (--engine keras)")
    from casnet_cli.export.runtime import ExportedPredictor

    predictor = ExportedPredictor(file, options.batch)
    rejecting = options.reject_below or options.target_accuracy is not None
    if not predictor.has_probabilities and (rejecting or needs_of(options.save)):
        again = _export_again(file, predictor)
        raise RunError(f"{file}: gives no probabilities ({again} --probabilities writes a file that does)")
    _note_if_outdated(file, predictor)
    return OpenedModel(predictor.run, lambda inputs: ChosenEngine(engine_of(file), lambda needs: predictor))


def _note_if_outdated(file: Path, predictor: "ExportedPredictor") -> None:
    """Show a note where the run around an export has another checkpoint by now."""
    from casnet_cli.util.files import sha256_of

    best = locate.RunLayout(locate.run_of_export(file)).best
    if best.is_file() and sha256_of(best) != predictor.description["checkpoint_sha256"]:
        console.message(
            f"note: {file} was exported from an earlier checkpoint of its run ({_export_again(file, predictor)} "
            "writes it anew)"
        )


def _export_again(file: Path, predictor: "ExportedPredictor") -> str:
    """The command that writes an exported file from the checkpoint of its run as it is now."""
    folder, size = locate.run_of_export(file), predictor.description["size"]
    run = f" --run {typed(os.path.relpath(folder))}" if locate.RunLayout(folder).best.is_file() else ""
    form = f"--format {engine_of(file)} --precision {predictor.description['precision']}"
    return f"casnet export{run} {form}" + (f" --size {size[0]}x{size[1]}" if size else "")


ENGINES: dict[str, Callable[[Path, PredictOptions], OpenedModel]] = {KERAS: _open_checkpoint}
"""How files are opened that are no exports."""
