"""casnet predict: folders of pictures become masks."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import Run


def command(
    path: Annotated[list[Path], typer.Argument(help="Folders or images.", metavar="PATH...")],
    run: Run = None,
    out: Annotated[Path | None, typer.Option(help="Default predictions/.", metavar="DIR")] = None,
    overlay: Annotated[bool, typer.Option(help="Also save the picture with the classes laid over.")] = True,
    resume: Annotated[bool, typer.Option(help="Do only what is missing, failed or changed.")] = True,
) -> None:
    """Label pictures: a mask, a difficulty map and an overlay for each, and a manifest."""
    from casnet_cli import console

    failed = predict(path, run, out, overlay, resume)
    if failed:
        console.error(f"{failed} images failed (see manifest.jsonl)")
        raise typer.Exit(1)


def predict(path: list[Path], run: Path | None, out: Path | None, overlay: bool, resume: bool) -> int:
    """Label every image below the paths, show what happened, and return how many failed."""
    from casnet_cli import console, engine, paths, runs
    from casnet_cli.data.archives import sha256_of
    from casnet_cli.prediction.folder import Outputs, find_images, predict_folder

    chosen = runs.find(run)
    folder = out or paths.PREDICTIONS
    jobs = find_images(path, folder)
    console.say(f"labelling {len(jobs)} images with {chosen.title}")
    engine.start()
    from casnet_cli.model.answers import answering
    from casnet_cli.training.checkpoint import load_model

    model, meta = load_model(chosen.file)
    outputs = Outputs(folder, meta.labels, sha256_of(chosen.file), overlay, resume)
    if meta.recipe.model.variant != "attention":
        console.say("this run has no attention branch: difficulty is the answer's entropy / log K")
    labelled, failed = 0, 0
    with console.bar("labelling") as bar:
        for record in predict_folder(answering(model), jobs, outputs):
            if record["status"] == "ok":
                labelled += 1
            else:
                failed += 1
                console.say(f"failed: {record['file']}: {record['error']}")
            bar.update(labelled + failed, len(jobs))
    done = len(jobs) - labelled - failed
    already = f", {done} were done before" if done else ""
    console.result(f"{outputs.folder}: {labelled} labelled{already}, {failed} failed")
    return failed
