"""casnet rank: which unlabelled images to label next."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import Run


def command(
    path: Annotated[
        list[Path], typer.Argument(help="Folders or images without labels.", metavar="PATH...", readable=False)
    ],
    run: Run = None,
    by: Annotated[
        Literal["difficulty", "entropy", "margin", "random", "variety", "mixed"],
        typer.Option(help="variety: unlike those before; mixed: hard and unlike those before."),
    ] = "mixed",
    top: Annotated[int | None, typer.Option(min=1, help="How many images to name; default all.", metavar="N")] = None,
    budget: Annotated[
        int | None, typer.Option(min=1, help="Name images of no more pixels together, one at least.", metavar="PIXELS")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The list; pictures, regions and what was asked lie in a folder beside.", metavar="CSV")
    ] = Path("rank.csv"),
    seed: Annotated[int, typer.Option(min=0, help="Of --by random.")] = 0,
    resume: Annotated[bool, typer.Option(help="Ask only about what is new or changed.")] = True,
) -> None:
    """Order unlabelled images by how much labelling them should help; show where they are hard."""
    from casnet_cli.workflows.rank import RankOptions, rank

    if rank(path, run, RankOptions(by, top, budget, out, seed, resume)):
        raise typer.Exit(1)
