"""casnet crossval: one run per fold, then mean and spread (table 3)."""

from typing import Annotated

import typer

from casnet_cli.commands.options import (
    Init,
    MaxTime,
    Overrides,
    Recipe,
    Resume,
    RunFolder,
    Strategy,
    TrainingData,
    Tta,
)

EXAMPLES = (
    "casnet crossval stanford-background-lite",
    "casnet crossval --data data/my-photos.h5 --max-time 3h",
)
"""For the help page."""


def command(
    recipe: Recipe = None,
    data: TrainingData = None,
    run: RunFolder = None,
    overrides: Overrides = None,
    folds: Annotated[str | None, typer.Option(help="Only these: 1,2,…; default all.", metavar="N,N,…")] = None,
    resume: Resume = False,
    init: Init = None,
    strategy: Strategy = "auto",
    max_time: MaxTime = None,
    tta: Tta = "none",
) -> None:
    """Train and measure every fold of a cross-validated data set; mean, spread and the paper's table 3.

    Folds may be trained by several processes, each with its own --folds, the same --run and --resume; called again
    with --resume alone, it joins what is there.
    """
    from casnet_cli.workflows.series.crossval import crossval
    from casnet_cli.workflows.train.session import TrainOptions

    options = TrainOptions(
        recipe=recipe,
        data=data,
        run=run,
        overrides=overrides or [],
        resume=resume,
        init=init,
        strategy=strategy,
        max_time=max_time,
    )
    crossval(options, folds=folds, tta=tta)
