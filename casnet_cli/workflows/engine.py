"""Which engine predicts with a run: Keras, or ONNX Runtime where the run's folder `engine` holds files that are faster.

The files are written once for a checkpoint, at the end of its training or when they are first needed, proved, and timed
beside Keras on the run's own images.
"""

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import backend, console
from casnet_cli.errors import CasnetError, RunError, reason
from casnet_cli.runs.engine_record import FILE, VERSION, EngineRecord, engine_folder
from casnet_cli.runs.json_record import read_record
from casnet_cli.runs.locate import RunLayout, is_best
from casnet_cli.util import locks
from casnet_cli.util.files import remove_stale, sha256_of, unfinished_name

if TYPE_CHECKING:
    from casnet_cli.data.loader import WholeSample
    from casnet_cli.inference.outputs import Outputs
    from casnet_cli.inference.predictor import InferenceSettings, NetworkPredictor
    from casnet_cli.runs.trained import TrainedRun

AUTO, KERAS, ONNX = "auto", "keras", "onnx"
"""As `--engine` takes them: whichever was faster, or one of them."""

VARIABLE = "CASNET_ENGINE"
"""Environment variable with the engine where a command names none."""

LOCK = ".engine-lock"
"""File of a run folder that keeps two processes from writing at once."""

FEW = 2
"""Up to so many images are predicted without compiling the network or writing files: that would take longer."""

IMAGES, REPEATS = 8, 3
"""Images on which both are compared, and how often each is timed."""


@dataclass(frozen=True)
class Engine:
    """What predicts with a run."""

    run: "TrainedRun"
    """The run."""
    record: EngineRecord | None
    """Of its files for ONNX Runtime; None: Keras predicts."""

    @property
    def name(self) -> str:
        """`ONNX` or `KERAS`."""
        return ONNX if self.record else KERAS

    def predictor(self, outputs: "Outputs", settings: "InferenceSettings") -> "NetworkPredictor":
        """Make it ready. Takes seconds in Keras, and a fraction of one else. Raises CasnetError."""
        if self.record is None:
            backend.start()
            from casnet_cli.inference.loading import open_predictor

            return open_predictor(self.run, outputs, settings)
        assert self.run.folder
        return _of_files(engine_folder(self.run.folder), self.record, self.run, outputs, settings)


def fastest(run: "TrainedRun", images: int, asked: str | None = None) -> Engine:
    """The engine for so many images; the files for ONNX Runtime are written if there are none yet.

    asked: `AUTO` or `KERAS`; None: what the environment variable `VARIABLE` says, else `AUTO`.
    """
    asked = asked or os.environ.get(VARIABLE, AUTO)
    if asked == KERAS or run.folder is None or not is_best(run.file) or find_spec("onnxruntime") is None:
        return Engine(run, None)
    record = _known(run)
    if record is None and images > FEW and _can_write() and _has_ended(run.folder):
        record = write(run)
    return Engine(run, record if record and record.faster else None)


def prepare(run: Path) -> None:
    """Write the files of a run whose training has ended, if they can be written and are not there yet."""
    from casnet_cli.runs.trained import open_run

    if RunLayout(run).best.is_file():
        fastest(open_run(run), FEW + 1)


def is_written() -> bool:
    """Whether the end of a training writes the files."""
    return os.environ.get(VARIABLE, AUTO) != KERAS and find_spec("onnxruntime") is not None and _can_write()


def _can_write() -> bool:
    """Whether the packages are there, and TensorFlow is the back end."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return False
    return all(find_spec(package) for package in ("tensorflow", "onnx", "tf2onnx"))


def _has_ended(run: Path) -> bool:
    """Whether the training is over, by the last checkpoint: while it goes on the best one changes often."""
    from casnet_cli.runs.checkpoint import read_meta

    last = RunLayout(run).last
    return not last.is_file() or read_meta(last).finished


def _known(run: "TrainedRun") -> EngineRecord | None:
    """The record of files of this very checkpoint; None: there is none, or something is not as it was written."""
    assert run.folder
    folder = engine_folder(run.folder)
    try:
        record = read_record(EngineRecord, folder / FILE)
        if record.checkpoint_sha256 != run.sha256:
            return None
        there = {file.name for file in folder.glob("*.onnx")}
        whole = there == record.files.keys() and all(sha256_of(folder / name) == record.files[name] for name in there)
    except (RunError, OSError):
        return None
    return record if whole else None


def write(run: "TrainedRun") -> EngineRecord | None:
    """Write, prove and time the files. None: that was not possible, and a line says why; then Keras predicts."""
    assert run.folder
    target = engine_folder(run.folder)
    folder = unfinished_name(target)
    try:
        with open(run.folder / LOCK, "w") as held:
            locks.lock(held, console.once)
            console.message("writing the network for ONNX Runtime, once for this checkpoint …")
            remove_stale(target)
            folder.mkdir()
            record = _write(run, folder)
            (folder / FILE).write_text(record.as_json(), encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)
            os.replace(folder, target)
            return record
    except BlockingIOError:
        why = f"{target}: another process writes it"
    except OSError as error:
        why = f"{target}: cannot be written: {reason(error)}"
    except Exception as error:  # converters raise any
        why = f"{target}: not written: {reason(error)}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console.message(f"note: {why} (Keras predicts)")
    return None


def _write(run: "TrainedRun", folder: Path) -> EngineRecord:
    """Raises whatever the converters raise."""
    backend.start()
    from casnet_cli.export import engine
    from casnet_cli.export.verify import prove
    from casnet_cli.inference.loading import network_of, predictor_of
    from casnet_cli.inference.outputs import prediction_outputs
    from casnet_cli.inference.predictor import InferenceSettings

    model, meta = network_of(run), run.meta
    network = engine.write(model, meta.temperature, folder)
    record = EngineRecord(
        version=VERSION,
        checkpoint_sha256=run.sha256,
        stride=network.stride,
        mean=list(network.mean),
        branches=list(network.branches),
        classes=network.classes,
        temperature=meta.temperature,
        bytes_per_pixel=network.bytes_per_pixel,
        files={file.name: sha256_of(file) for file in sorted(folder.iterdir())},
    )
    outputs, settings = prediction_outputs(meta.temperature), InferenceSettings(scale=meta.recipe.evaluation.scale)
    own = _of_files(folder, record, run, outputs, settings)
    keras = predictor_of(model, meta.recipe, outputs, settings, meta.intensities)
    proof = prove(own.predict, keras.predict, _images(run), len(meta.labels), "float32", REPEATS)
    return record.model_copy(update={"proof": proof})


def _images(run: "TrainedRun") -> "list[WholeSample]":
    """Some that the run did not train on; where its data are gone, noise of the size of its crops."""
    import numpy as np

    from casnet_cli.data.loader import WholeSample, whole_images
    from casnet_cli.export.verify import fitted
    from casnet_cli.runs.trained import open_run_data
    from casnet_cli.workflows.bench.target import random_image

    recipe = run.meta.recipe
    try:
        parts = open_run_data(run, None).parts(run.meta.fold, recipe.data.validation_fraction, recipe.training.seed)
        found = parts.get("val") or parts.get("test") or parts["train"]
        samples = whole_images(found.spread(IMAGES))
        return [fitted(sample, None, recipe.evaluation.scale) for sample in samples]
    except CasnetError:
        side = (recipe.augmentation.crop, recipe.augmentation.crop)
        return [WholeSample("noise", random_image(side, run.meta.intensities), np.zeros(side, np.uint8))]


def _of_files(
    folder: Path, record: EngineRecord, run: "TrainedRun", outputs: "Outputs", settings: "InferenceSettings"
) -> "NetworkPredictor":
    from dataclasses import replace

    from casnet_cli.inference.onnx_network import OnnxNetwork
    from casnet_cli.inference.predictor import NetworkPredictor

    if settings.scale is None:
        settings = replace(settings, scale=run.meta.recipe.evaluation.scale)
    network = OnnxNetwork(folder, record, settings.easy_below, settings.pools)
    return NetworkPredictor(network, settings, outputs, run.meta.intensities)
