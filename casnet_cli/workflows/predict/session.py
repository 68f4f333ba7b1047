"""What `casnet predict` does: find the inputs, label those that are not labelled yet, and sum up."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console, paths
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.errors import BackendError
from casnet_cli.prediction.inputs import Job, find_images, shard
from casnet_cli.util.text import count
from casnet_cli.workflows.predict.options import PredictOptions
from casnet_cli.workflows.predict.thresholds import easy_below, reject_below

if TYPE_CHECKING:
    from casnet_cli.inference.protocol import Predictor
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.manifest_entry import ManifestEntry
    from casnet_cli.prediction.outputs import Outputs
    from casnet_cli.prediction.picture_reader import PictureReader
    from casnet_cli.runs.trained import TrainedRun


def predict(path: list[Path], run: Path | None, options: PredictOptions) -> int:
    """Label every image below the paths, show what happened, and return how many failed. Raises CasnetError."""
    from casnet_cli.workflows.predict import engines

    folder = options.out or paths.PREDICTIONS
    file = engines.model_file(run, options.engine)
    jobs = find_images(path, folder, left_out := LeftOut())
    console.notes(left_out.sentences())
    jobs = list(shard(jobs, *options.share)) if options.share else jobs
    from casnet_cli.prediction.manifest import Manifest, check_unclaimed
    from casnet_cli.prediction.picture_reader import PictureReader
    from casnet_cli.util.space import check_space
    from casnet_cli.workflows.predict.map_notes import map_notes
    from casnet_cli.workflows.predict.space import space_of
    from casnet_cli.workflows.predict.summary import check_json_file, summarize
    from casnet_cli.workflows.predict.together import write_together

    model = engines.open_any(file, options)

    console.notes(model.run.remarks)
    outputs = outputs_of(folder, model.run, options)
    check_unclaimed(outputs, jobs)
    with Manifest(outputs, options.share, console.once) as manifest:
        check_json_file(options.json, jobs, manifest)
        pending = manifest.pending(jobs)
        share = f" (share {options.share[0]} of {options.share[1]})" if options.share else ""
        engine = model.engine(len(pending)) if pending else None
        by = f", engine {engine.name}" if engine else ""
        console.message(f"labelling {len(pending)} of {count(len(jobs), 'input')}{share} with {model.run.title}{by}")
        if model.run.meta.recipe.model.variant != "attention":
            console.message("this run has no attention branch: difficulty is the entropy of the probabilities / log K")
        if engine:
            manifest.engine = engine.name
            if needed := space_of(pending, outputs):
                console.message(check_space(folder, needed))
            reader = PictureReader(model.run.meta.intensities)
            label(engine.predictor(outputs.needs), pending, manifest, reader)
            for remark in reader.remarks.all():
                console.message(f"note: {remark.line}")
            console.notes(map_notes(manifest.done[name] for job in pending if (name := str(job.file)) in manifest.done))
        write_together(manifest, options.share, jobs, relabelled=bool(pending))
    return summarize(jobs, len(jobs) - len(pending), manifest, model.run, options.json)


def outputs_of(folder: Path, run: "TrainedRun", options: PredictOptions) -> "Outputs":
    """What the options let a run write into the folder. Raises CasnetError."""
    from casnet_cli.prediction import geotiff_format
    from casnet_cli.prediction.mask_values import resolve_mask_values
    from casnet_cli.prediction.output_kinds import FOLDER_KINDS, GEOTIFF, OUTPUT_KINDS
    from casnet_cli.prediction.outputs import Outputs

    if GEOTIFF in options.save and not geotiff_format.available():
        raise BackendError(f"--save geotiff: {geotiff_format.missing()}")
    below = reject_below(run, options)
    values = resolve_mask_values(options.mask_values, run.meta.labels, below > 0)
    deciding = [run.sha256, options.tile, easy_below(run, options), below, values.identity]
    deciding += [options.geojson] if options.geojson else []
    chosen = tuple(dict.fromkeys(options.save))
    outlined = any(OUTPUT_KINDS[name].outlines for name in chosen if name in OUTPUT_KINDS)
    deciding += [f"simplify {options.simplify}"] if options.simplify and outlined else []
    return Outputs(
        folder,
        run.meta.labels,
        identity=hashlib.sha256(repr(tuple(deciding)).encode()).hexdigest(),
        overlay=options.overlay,
        resume=options.resume,
        difficulty=options.difficulty,
        extra=tuple(name for name in chosen if name in OUTPUT_KINDS),
        together=tuple(name for name in chosen if name in FOLDER_KINDS),
        simplify=options.simplify,
        reject_below=below,
        chosen_mask_values=values,
        coordinates=options.geojson,
    )


def label(predictor: "Predictor", jobs: list[Job], manifest: "Manifest[Outputs]", reader: "PictureReader") -> None:
    """Label the jobs, images first, and show progress and failures."""
    from casnet_cli.prediction.image_pipeline import predict_folder
    from casnet_cli.prediction.video_pipeline import predict_video

    images, videos = [job for job in jobs if not job.video], [job for job in jobs if job.video]
    done = 0

    def show(entry: "ManifestEntry") -> None:
        nonlocal done
        done += 1
        if entry["status"] == "failed":
            stale = f" (its mask of an earlier call: {entry['stale']})" if "stale" in entry else ""
            console.message(f"failed: {entry['file']}: {entry['error']}{stale}")
        bar.count(done, len(jobs))

    with console.bar("labelling") as bar:
        bar.wait(len(jobs), "starting")
        for entry in predict_folder(predictor, images, manifest, reader):
            show(entry)
    for job in videos:
        with console.bar(job.file.name) as bar:
            show(predict_video(predictor, job, manifest, lambda frame, of: bar.update(frame, of), reader))  # noqa: B023
