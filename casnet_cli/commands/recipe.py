"""casnet recipe: the shipped recipes."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = ("casnet recipe list", "casnet recipe show sift-flow-lite", "casnet recipe copy folder my-recipe.toml")
"""For the help page."""

app = typer.Typer(help="List, show or copy the shipped recipes.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of a recipe.")]


@app.command("list", epilog="casnet recipe list")
def list_command() -> None:
    """List every shipped recipe and what it is for."""
    from casnet_cli.workflows.recipes import list_all

    list_all()


@app.command("show", epilog="casnet recipe show sift-flow-lite")
def show_command(name: Name) -> None:
    """Print a recipe with its comments."""
    from casnet_cli.workflows.recipes import show

    show(name)


@app.command("copy", epilog="casnet recipe copy folder my-recipe.toml")
def copy_command(name: Name, file: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Copy a recipe to a file of your own, to change it there."""
    from casnet_cli.workflows.recipes import copy

    copy(name, file)
