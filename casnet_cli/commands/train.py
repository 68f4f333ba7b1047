"""casnet train: a recipe and a prepared data set become a run folder."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import Fold, Overrides


def command(
    recipe: Annotated[
        str | None,
        typer.Argument(help="Recipe name or file; default chosen from data and machine.", metavar="[RECIPE]"),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Prepared data set.", metavar="FILE")] = None,
    run: Annotated[Path | None, typer.Option(help="Run folder; default runs/RECIPE-NNN.", metavar="DIR")] = None,
    overrides: Overrides = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run, or start it if it has not begun.")
    ] = False,
    fold: Fold = None,
    init: Annotated[
        Path | None, typer.Option(help="Fine-tune: begin with the weights of another run.", metavar="RUN")
    ] = None,
    strategy: Annotated[
        Literal["auto", "single", "mirrored", "multi-worker"],
        typer.Option(help="One device, all of this machine, or several processes; auto looks."),
    ] = "auto",
    max_time: Annotated[
        str | None,
        typer.Option(help="Save and stop (exit 130) before so long: 3h55m, 02:30:00, minutes.", metavar="TIME"),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Repeat a step whose loss was no number.", metavar="FOLDER")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try a few steps, say time and memory, write nothing.")
    ] = False,
) -> None:
    """Train a network; without RECIPE on the data set prepared last."""
    from casnet_cli.commands.training_session import Request, train

    given = Request(recipe, data, run, overrides or [], resume, fold, init, strategy, max_time, replay, dry_run)
    train(given)
