"""casnet eval: metrics and pictures of a run on a split."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import DataFile, Faster, Fold, Project, Run, Tta

Limit = Annotated[
    int | None, typer.Option(min=1, help="So many images alone, spread evenly over the split.", metavar="N")
]
ImageList = Annotated[
    Path | None, typer.Option(help="List of names of images in the prepared file: these alone.", metavar="FILE")
]

EXAMPLES = (
    "casnet eval",
    "casnet eval --run runs/my-photos-001 --split val",
    "casnet eval --limit 50",
    "casnet eval --data data/other.h5 --save-predictions",
)
"""For the help page."""


def command(
    run: Run = None,
    data: DataFile = None,
    project: Project = None,
    split: Annotated[
        Literal["train", "val", "test"] | None, typer.Option(help="Images to use; default test, else val.")
    ] = None,
    fold: Fold = None,
    limit: Limit = None,
    split_file: ImageList = None,
    tta: Tta = "none",
    scale: Annotated[
        float | None, typer.Option(min=0.1, max=8, help="Enlarge the images; default the recipe's.", metavar="F")
    ] = None,
    tile: Annotated[
        int | None, typer.Option(min=33, help="Cut images into overlapping tiles of this side, and blend.", metavar="N")
    ] = None,
    engine: Faster = None,
    save_predictions: Annotated[
        bool, typer.Option("--save-predictions", help="Write masks, difficulty maps and overlays too.")
    ] = False,
    worst: Annotated[
        int, typer.Option(min=0, max=100, help="How many of the worst images to list and draw.", metavar="N")
    ] = 6,
    out: Annotated[
        Path | None, typer.Option(help="Default RUN/eval/SPLIT, with -TTA and the like behind it.", metavar="DIR")
    ] = None,
) -> None:
    """Evaluate a run on whole images at their own size: metrics, tables, pictures."""
    from casnet_cli.runs import locate

    checkpoint = locate.checkpoint_of(run or locate.newest_run())  # a mistake here shows before the slower imports
    from casnet_cli.evaluation.measurement import EvalProtocol
    from casnet_cli.workflows.evaluate.session import EvaluateOptions, evaluate_run

    options = EvaluateOptions(
        data=data,
        project=project,
        split=split,
        fold=fold,
        protocol=EvalProtocol(tta, scale, tile),
        limit=limit,
        split_file=split_file,
        engine=engine,
        worst=worst,
        save_predictions=save_predictions,
        out=out,
    )
    evaluate_run(checkpoint, options)
