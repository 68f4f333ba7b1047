"""casnet train: a recipe and a prepared data set become a run folder."""

from pathlib import Path
from typing import Annotated

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
) -> None:
    """Train a network; without RECIPE on the data set prepared last."""
    from casnet_cli.commands.training_session import train

    train(recipe, data, run, overrides or [], resume, fold)
