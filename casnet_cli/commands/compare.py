"""casnet compare: runs side by side, with the paper's rows (tables 2 and 3)."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import DataFile, Json, Tta

EXAMPLES = (
    "casnet compare runs/my-photos-001 runs/my-photos-002",
    "casnet compare runs/my-photos-001 runs/my-photos-002 --out comparison/",
)
"""For the help page."""


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Runs, or folders of crossval or ablate; the first is the reference.", metavar="RUN..."),
    ],
    data: DataFile = None,
    split: Annotated[
        Literal["train", "val", "test"] | None, typer.Option(help="Images to use; default test, else val.")
    ] = None,
    tta: Tta = "none",
    json: Json = None,
    out: Annotated[Path | None, typer.Option(help="Write compare.html here too.", metavar="DIR")] = None,
) -> None:
    """Show metrics with intervals, paired differences to the first, and the paper's tables 2 and 3 beside them.

    Runs that are not evaluated on these images yet are evaluated first.
    """
    from casnet_cli.workflows.series.compare import compare

    compare(runs, data=data, split=split, tta=tta, file=json, out=out)
