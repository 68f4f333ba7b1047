"""casnet audit: labels of a data set that look wrong."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import DataFile, Faster, Review, ReviewPort
from casnet_cli.prediction.output_kinds import FOLDER_KINDS

TaskChoice = StrEnum("TaskChoice", list(FOLDER_KINDS))  # type: ignore[misc]
"""Files for labelling tools that hold all images."""

EXAMPLES = (
    "casnet audit",
    "casnet audit --top 50",
    "casnet audit --review",
    "casnet audit --apply-void data/my-photos-2.h5",
)
"""For the help page."""


def command(
    run: Annotated[
        Path | None,
        typer.Option(
            help="Run, or the folder of a crossval: each fold audits the images held out from it.", metavar="RUN"
        ),
    ] = None,
    data: DataFile = None,
    split: Annotated[
        Literal["val", "test"] | None,
        typer.Option(help="Images to audit, none of them trained on; default test, else val."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100_000, help="How many regions to list.", metavar="N")] = 200,
    apply_void: Annotated[
        Path | None,
        typer.Option(help="Write a copy of the data in which the regions marked yes are void.", metavar="OUT.h5"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Default RUN/audit.", metavar="DIR")] = None,
    save: Annotated[
        list[TaskChoice] | None,
        typer.Option(
            help="Write the images of the list with their labels, for a labelling tool (repeatable).", show_choices=True
        ),
    ] = None,
    engine: Faster = None,
    review: Review = False,
    port: ReviewPort = 8001,
) -> None:
    """Find regions where a confident network contradicts the label, by runs that were not trained on the image."""
    from casnet_cli.workflows.audit import audit

    audit(
        run,
        data=data,
        split=split,
        top=top,
        apply_void=apply_void,
        out=out,
        save=tuple(save or ()),
        review_port=port if review else None,
        engine=engine,
    )
