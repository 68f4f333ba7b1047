"""casnet predict: folders of pictures become masks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casnet_cli.commands.options import Run

if TYPE_CHECKING:
    from casnet_cli.prediction.folder import Job, Manifest


def command(
    path: Annotated[list[Path], typer.Argument(help="Folders or images.", metavar="PATH...")],
    run: Run = None,
    out: Annotated[Path | None, typer.Option(help="Default predictions/.", metavar="DIR")] = None,
    overlay: Annotated[bool, typer.Option(help="Also save the picture with the classes laid over.")] = True,
    resume: Annotated[bool, typer.Option(help="Do only what is missing, failed or changed.")] = True,
) -> None:
    """Label pictures: a mask, a difficulty map and an overlay for each, and a manifest."""
    from casnet_cli import console, paths

    checkpoint = paths.checkpoint_of(run or paths.newest_run())  # a mistake here answers before the slower imports
    failed = predict(path, checkpoint, out, overlay, resume)
    if failed:
        console.error(f"{console.count(failed, 'image')} failed (see manifest.jsonl)")
        raise typer.Exit(1)


def predict(path: list[Path], run: Path | None, out: Path | None, overlay: bool, resume: bool) -> int:
    """Label every image below the paths, show what happened, and return how many failed."""
    from casnet_cli import console, paths, runs
    from casnet_cli.data.archives import sha256_of
    from casnet_cli.prediction.folder import Manifest, Outputs, find_images

    chosen = runs.find(run)
    folder = out or paths.PREDICTIONS
    jobs = find_images(path, folder)
    manifest = Manifest(Outputs(folder, chosen.meta.labels, sha256_of(chosen.file), overlay, resume))
    pending = manifest.pending(jobs)
    console.say(f"labelling {len(pending)} of {console.count(len(jobs), 'image')} with {chosen.title}")
    if chosen.meta.recipe.model.variant != "attention":
        console.say("this run has no attention branch: difficulty is the answer's entropy / log K")
    labelled, failed = 0, 0
    if pending:
        labelled, failed = _label(chosen.file, pending, manifest)
    already = len(jobs) - len(pending)
    done_before = f", {already} were done before" if already else ""
    console.result(f"{folder}: {labelled} labelled{done_before}, {failed} failed")
    return failed


def _label(checkpoint: Path, jobs: "list[Job]", manifest: "Manifest") -> tuple[int, int]:
    """Label the jobs, and return how many were labelled and how many failed."""
    from casnet_cli import console, engine
    from casnet_cli.prediction.folder import predict_folder

    engine.start()
    from casnet_cli.model.answers import Protocol, answering
    from casnet_cli.training.checkpoint import load_model

    model, meta = load_model(checkpoint)
    answer = answering(model, Protocol(scale=meta.recipe.evaluation.scale))
    labelled, failed = 0, 0
    with console.bar("labelling") as bar:
        for record in predict_folder(answer, jobs, manifest):
            if record["status"] == "ok":
                labelled += 1
            else:
                failed += 1
                console.say(f"failed: {record['file']}: {record['error']}")
            bar.update(labelled + failed, len(jobs))
    return labelled, failed
