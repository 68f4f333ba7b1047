"""casnet rank: which unlabelled images to label next."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import Faster, Review, ReviewPort, Run
from casnet_cli.commands.predict import SaveChoice

EXAMPLES = (
    "casnet rank photos/ --top 20",
    "casnet rank photos/ --budget 5000000 --save label-studio",
    "casnet rank photos/ --top 100 --review",
)
"""For the help page."""


def command(
    path: Annotated[
        list[Path], typer.Argument(help="Folders or images without labels.", metavar="PATH...", readable=False)
    ],
    run: Run = None,
    by: Annotated[
        Literal["difficulty", "entropy", "margin", "random", "variety", "mixed"],
        typer.Option(help="variety: unlike those before; mixed: hard and unlike those before."),
    ] = "mixed",
    top: Annotated[int | None, typer.Option(min=1, help="How many images to list; default all.", metavar="N")] = None,
    budget: Annotated[
        int | None, typer.Option(min=1, help="List images of no more pixels together, at least one.", metavar="PIXELS")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The list; pictures, regions and scores lie in a folder beside it.", metavar="CSV")
    ] = Path("rank.csv"),
    seed: Annotated[int, typer.Option(min=0, help="Random seed for --by random.")] = 0,
    resume: Annotated[bool, typer.Option(help="Score only images that are new or changed.")] = True,
    save: Annotated[
        list[SaveChoice] | None,
        typer.Option(help="Write the list's images with predictions, for a labelling tool (repeatable)."),
    ] = None,
    engine: Faster = None,
    review: Review = False,
    port: ReviewPort = 8001,
) -> None:
    """Order unlabelled images by how much labelling them should help, and show their difficult regions."""
    from casnet_cli.workflows.rank import RankOptions, rank

    options = RankOptions(by, top, budget, out, seed, resume, engine, tuple(save or ()))
    if rank(path, run, options, port if review else None):
        raise typer.Exit(1)
