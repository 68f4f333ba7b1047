"""casnet recipe: the shipped recipes."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List, show or copy the shipped recipes.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of a recipe.")]


@app.command("list")
def list_command() -> None:
    """Name every shipped recipe and what it is for."""
    from casnet_cli import console, recipe

    for name in recipe.names():
        first = recipe.find(name).read_text(encoding="utf-8").splitlines()[0]
        console.result(f"{name:28}{first.lstrip('# ')}")


@app.command("show")
def show_command(name: Name) -> None:
    """Print a recipe with its comments."""
    from casnet_cli import console, recipe

    console.result(recipe.find(name).read_text(encoding="utf-8").rstrip())


@app.command("copy")
def copy_command(name: Name, file: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Copy a recipe to a file of your own, to change it there."""
    copy(name, file)


def copy(name: str, file: Path) -> None:
    """Write the recipe to `file`. Raises InputError if it exists or cannot be written."""
    import shlex

    from casnet_cli import console, recipe
    from casnet_cli.errors import InputError

    if file.exists():
        raise InputError(f"{file}: exists already (choose another name)")
    try:
        file.write_bytes(recipe.find(name).read_bytes())
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from None
    console.say(f"wrote {file}; train with `casnet train {shlex.quote(str(file))}`")
