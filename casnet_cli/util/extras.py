"""The packages of an extra by their own names: `pip install casnet[video]` would ask an index, that may not have it."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "pyproject.toml"
"""Of casnet run from its sources; an installed package has none there."""


def install(extra: str) -> str:
    """The command that installs the packages of an extra of `pyproject.toml`: `pip install av`."""
    names = [found.group() for text in _requirements(extra) if (found := re.match(r"[\w.-]+", text))]
    return f"pip install {' '.join(names)}"


def _requirements(extra: str) -> list[str]:
    """What an extra requires."""
    if SOURCES.is_file():
        listed = tomllib.loads(SOURCES.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
        return listed[extra]
    every = metadata.requires("casnet") or []
    return [text for text in every if re.search(rf"extra == ['\"]{extra}['\"]", text)]
