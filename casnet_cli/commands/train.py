"""casnet train: a recipe and a prepared data set become a run folder."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import (
    Fold,
    Init,
    MaxTime,
    Overrides,
    Project,
    Recipe,
    Resume,
    RunFolder,
    Strategy,
    TrainingData,
)

EXAMPLES = (
    "casnet train",
    "casnet train stanford-background-lite --fold 2",
    "casnet train --set training.epochs=40 --set training.batch_size=4",
    "casnet train --resume",
    "casnet train --finish",
)
"""For the help page."""


def command(
    recipe: Recipe = None,
    data: TrainingData = None,
    project: Project = None,
    run: RunFolder = None,
    overrides: Overrides = None,
    resume: Resume = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Close a stopped run as it is: calibrated, ready for export.")
    ] = False,
    fold: Fold = None,
    init: Init = None,
    strategy: Strategy = "auto",
    max_time: MaxTime = None,
    replay: Annotated[
        Path | None, typer.Option(help="Repeat a step whose loss was not a number.", metavar="FOLDER")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try a few steps, show time and memory, write nothing.")
    ] = False,
) -> None:
    """Train a network; without RECIPE on the data set of casnet.toml, or the one prepared last."""
    from casnet_cli.workflows.train.session import TrainOptions, train

    options = TrainOptions(
        recipe=recipe,
        data=data,
        run=run,
        overrides=overrides or [],
        resume=resume,
        finish=finish,
        fold=fold,
        init=init,
        strategy=strategy,
        max_time=max_time,
        replay=replay,
        dry_run=dry_run,
        project=project,
    )
    train(options)
