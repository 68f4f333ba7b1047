"""casnet ablate: the variants of the network under one recipe (table 1)."""

from typing import Annotated

import typer

from casnet_cli.commands.options import (
    Fold,
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

EXAMPLES = ("casnet ablate stanford-background --seeds 0,1,2",)
"""For the help page."""


def command(
    recipe: Recipe = None,
    data: TrainingData = None,
    run: RunFolder = None,
    overrides: Overrides = None,
    seeds: Annotated[
        str | None, typer.Option(help="Each variant once with every one of them; default 0.", metavar="N,N,…")
    ] = None,
    resume: Resume = False,
    fold: Fold = None,
    init: Init = None,
    strategy: Strategy = "auto",
    max_time: MaxTime = None,
    tta: Tta = "none",
) -> None:
    """Train variants (a) coarse, (b) coarse + fine, (c) attention, and the fine branch alone; the paper's table 1.

    All see the same images in the same order. Afterwards: mean and spread over the seeds, paired differences with
    intervals, the paper's numbers beside them, and a picture like the paper's figure 4.
    """
    from casnet_cli.workflows.series.ablate import ablate
    from casnet_cli.workflows.train.session import TrainOptions

    options = TrainOptions(
        recipe=recipe,
        data=data,
        run=run,
        overrides=overrides or [],
        resume=resume,
        fold=fold,
        init=init,
        strategy=strategy,
        max_time=max_time,
    )
    ablate(options, seeds=seeds, tta=tta)
