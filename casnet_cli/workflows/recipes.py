"""What `casnet recipe` does: list, show and copy the shipped recipes."""

from pathlib import Path

from casnet_cli import console, recipe
from casnet_cli.errors import InputError
from casnet_cli.util.shell import typed


def list_all() -> None:
    """Show the name of every shipped recipe and the first line of its comments."""
    for name in recipe.names():
        first = recipe.find(name).read_text(encoding="utf-8").splitlines()[0]
        console.result(f"{name:28}{first.lstrip('# ')}")


def show(name: str) -> None:
    """Print a recipe. Raises RecipeError."""
    console.content(recipe.find(name).read_text(encoding="utf-8").rstrip())


def copy(name: str, file: Path) -> None:
    """Write a recipe to `file`. Raises RecipeError, and InputError if the file exists or cannot be written."""
    if file.exists():
        raise InputError(f"{file}: exists already (choose another name)")
    try:
        file.write_bytes(recipe.find(name).read_bytes())
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from None
    console.message(f"wrote {file}; train with `casnet train {typed(file)}`")
