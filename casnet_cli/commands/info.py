"""casnet info: what a file holds, or what this installation has."""

from typing import Annotated

import typer

from casnet_cli.commands.options import Json
from casnet_cli.workflows.describe import describe


def command(
    what: Annotated[
        str | None, typer.Argument(help="Run folder, data set, recipe, checkpoint or export.", metavar="[FILE]")
    ] = None,
    json: Json = None,
) -> None:
    """Say what a file holds; without one, versions, devices, and where weights lie."""
    from casnet_cli import console

    answer = describe(what)
    if json:
        console.write_json(answer, json)
    if json != "-":
        for key, value in answer.items():
            console.result(f"{key}: {_text(value)}")


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {number:,}" for key, number in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
