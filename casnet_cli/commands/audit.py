"""casnet audit: labels of a data set that look wrong."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import DataFile


def command(
    run: Annotated[
        Path | None,
        typer.Option(help="Run, or the folder of a crossval: each fold judges its own images.", metavar="RUN"),
    ] = None,
    data: DataFile = None,
    split: Annotated[
        Literal["val", "test"] | None,
        typer.Option(help="Images to judge, none the run trained on; default test, else val."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100_000, help="How many regions to name.", metavar="N")] = 200,
    apply_void: Annotated[
        Path | None,
        typer.Option(help="Write a copy of the data with the regions void whose row says yes.", metavar="OUT.h5"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Default RUN/audit.", metavar="DIR")] = None,
) -> None:
    """Find regions that a network is sure of and the label contradicts, judged by runs that never saw the image."""
    from casnet_cli.workflows.audit import audit

    audit(run, data, split, top, apply_void, out)
