"""casnet demo: the whole path on built-in scenes."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import Overrides

EXAMPLES = ("casnet demo",)
"""For the help page."""


def command(
    out: Annotated[Path, typer.Option(help="Folder for data/, runs/ and predictions/.", metavar="DIR")] = Path(
        "casnet-demo"
    ),
    overrides: Overrides = None,
) -> None:
    """Prepare, train, evaluate and predict on built-in synthetic scenes, offline, in minutes."""
    from casnet_cli.workflows.demo import run

    run(out, overrides or [])
