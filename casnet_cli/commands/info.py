"""casnet info: what a file holds, or what this installation has."""

from typing import Annotated

import typer

from casnet_cli.commands.options import Json

EXAMPLES = (
    "casnet info",
    "casnet info runs/my-photos-001",
    "casnet info photo.tif",
)
"""For the help page."""


def command(
    what: Annotated[
        str | None,
        typer.Argument(help="Run folder, data set, recipe, checkpoint, export, picture or mask.", metavar="FILE"),
    ] = None,
    json: Json = None,
) -> None:
    """Show what a file holds; without one, versions, devices, and where weights lie."""
    from casnet_cli.workflows.describe import show

    show(what, json)
