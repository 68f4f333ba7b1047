"""What `casnet predict` does: find the inputs, label what is not labelled yet, and sum up."""

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli import console, paths
from casnet_cli.errors import RunError
from casnet_cli.prediction.inputs import Job, find_images, shard
from casnet_cli.util.text import count, percent
from casnet_cli.workflows.predict.options import PredictOptions

if TYPE_CHECKING:
    from casnet_cli.export.runtime import ExportedPredictor
    from casnet_cli.inference.predictor import KerasPredictor
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.outputs import Outputs
    from casnet_cli.runs.trained import TrainedRun

FEW = 2
"""Inputs that are done before a network for many of them is compiled."""


def predict(path: list[Path], run: Path | None, wanted: PredictOptions) -> int:
    """Label every image below the paths, show what happened, and return how many failed. Raises CasnetError."""
    from casnet_cli.runs import trained
    from casnet_cli.workflows.predict import engines
    from casnet_cli.workflows.predict.summary import check_answer, summarize

    folder = wanted.out or paths.PREDICTIONS
    file = engines.model_file(run, wanted.engine)
    jobs = find_images(path, folder)
    jobs = list(shard(jobs, *wanted.share)) if wanted.share else jobs
    exported = engines.opened(file, wanted)
    chosen = exported.run if exported else trained.find_run(file)
    from casnet_cli.prediction.manifest import Manifest, check_unclaimed

    outputs = _outputs(folder, chosen, wanted)
    check_unclaimed(outputs, jobs)
    with Manifest(outputs, wanted.share) as manifest:
        check_answer(wanted.json, jobs, manifest)
        pending = manifest.pending(jobs)
        share = f" (share {wanted.share[0]} of {wanted.share[1]})" if wanted.share else ""
        console.say(f"labelling {len(pending)} of {count(len(jobs), 'input')}{share} with {chosen.title}")
        if chosen.meta.recipe.model.variant != "attention":
            console.say("this run has no attention branch: difficulty is the answer's entropy / log K")
        if pending:
            _label(exported or _in_keras(chosen, pending, manifest, wanted), pending, manifest)
    return summarize(jobs, len(jobs) - len(pending), manifest, chosen, wanted.json)


def _outputs(folder: Path, chosen: "TrainedRun", wanted: PredictOptions) -> "Outputs":
    from casnet_cli.prediction.mask_values import resolve_mask_values
    from casnet_cli.prediction.outputs import Outputs
    from casnet_cli.util.files import sha256_of

    below = _reject_below(chosen, wanted)
    values = resolve_mask_values(wanted.mask_values, chosen.meta.labels, below > 0)
    told = (sha256_of(chosen.file), wanted.tile, _easy_below(chosen, wanted), below, values.identity)
    identity = hashlib.sha256(repr(told).encode()).hexdigest()
    further = tuple(dict.fromkeys(wanted.further))
    return Outputs(folder, chosen.meta.labels, identity, wanted.overlay, wanted.resume, further, below, values)


def _reject_below(chosen: "TrainedRun", wanted: PredictOptions) -> float:
    """The confidence that a pixel must have. Raises RunError where validation gives none for the wanted accuracy."""
    if wanted.target_accuracy is None:
        return wanted.reject_below or 0.0
    from casnet_cli.evaluation.calibration import threshold_for

    points = chosen.meta.calibration.get("selective")
    if not points:
        raise RunError(f"{chosen.file}: {_uncalibrated('accuracies by confidence')}")
    found = threshold_for(points, wanted.target_accuracy)
    if found is None:
        best = max(accuracy for *_, accuracy in points)
        raise RunError(
            f"--target-accuracy {wanted.target_accuracy:g}: no confidence promises it "
            f"(on the validation images at most {best:.4f})"
        )
    below, coverage, accuracy = found
    kept, right = percent(coverage), percent(accuracy)
    console.say(f"rejecting pixels less sure than {below:.4f}: validation keeps {kept} % so, {right} % of them right")
    return float(below)


def _uncalibrated(what: str) -> str:
    return (
        f"holds no {what} (written at the end of a training; casnet train --run RUN --resume adds it to a finished one)"
    )


def _easy_below(chosen: "TrainedRun", wanted: PredictOptions) -> float | None:
    """See `InferenceSettings`. Raises RunError where `--fine auto` has no threshold."""
    if wanted.fine == "always":
        return None
    if "easy" not in chosen.meta.calibration:
        raise RunError(f"{chosen.file}: {_uncalibrated('threshold for --fine auto')}")
    easy = chosen.meta.calibration["easy"]
    return easy["below"] if easy else None


def _in_keras(
    chosen: "TrainedRun", jobs: list[Job], manifest: "Manifest[Outputs]", wanted: PredictOptions
) -> "KerasPredictor":
    """The network of a checkpoint, ready to be asked about the jobs."""
    from casnet_cli import backend

    backend.start()
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.pixel_outputs import prediction_outputs
    from casnet_cli.inference.predictor import InferenceSettings

    settings = InferenceSettings(
        tile=wanted.tile, easy_below=_easy_below(chosen, wanted), batch=wanted.batch, few=len(jobs) <= FEW
    )
    outputs = prediction_outputs(chosen.meta.temperature, "probabilities" in manifest.outputs.needs)
    return open_predictor(chosen, outputs, settings)


def _label(network: "KerasPredictor | ExportedPredictor", jobs: list[Job], manifest: "Manifest[Outputs]") -> None:
    """Label the jobs, images first, showing progress and what failed."""
    from casnet_cli.prediction.image_pipeline import predict_folder
    from casnet_cli.prediction.video_pipeline import predict_video

    images, videos = [job for job in jobs if not job.video], [job for job in jobs if job.video]
    began = 0.0
    done = -1

    def show(record: dict[str, Any]) -> None:
        nonlocal done, began
        done += 1  # since the first, which waited for compiling
        if record["status"] == "failed":
            console.say(f"failed: {record['file']}: {record['error']}")
        began = began or time.perf_counter()
        rate = done / max(time.perf_counter() - began, 1e-9)
        left = (len(jobs) - done - 1) / rate if rate else None
        bar.update(done + 1, len(jobs), f"{rate:.1f} images/s" if rate else "", left)

    with console.bar("labelling") as bar:
        for record in predict_folder(network, images, manifest):
            show(record)
    for job in videos:
        with console.bar(job.file.name) as bar:
            show(predict_video(network, job, manifest, lambda frame, of: bar.update(frame, of)))  # noqa: B023
