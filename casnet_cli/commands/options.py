"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Run = Annotated[
    Path | None, typer.Option("--run", help="Run folder or checkpoint; default the newest run in runs/.", metavar="RUN")
]
DataFile = Annotated[
    Path | None, typer.Option("--data", help="Prepared data set; default the run's own.", metavar="FILE")
]
Fold = Annotated[int | None, typer.Option(help="Fold of a cross-validated set, from 1.", metavar="N")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Change a recipe setting (repeatable).", metavar="SECTION.KEY=VALUE")
]
