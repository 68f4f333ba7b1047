"""The packages of an extra by their own names: `pip install casnet[video]` would ask an index, that may not have it."""

import contextlib
import re
from importlib import metadata
from pathlib import Path

from casnet_cli.util.parsing import toml_of

SOURCES = Path(__file__).parents[2] / "pyproject.toml"
"""Of casnet run from its sources; where casnet is installed another package may have left one there."""


def install(extra: str) -> str:
    """The command that installs the packages of an extra of `pyproject.toml`: `pip install av`."""
    names = [found.group() for text in _requirements(extra) if (found := re.match(r"[\w.-]+", text))]
    return pip_install(*names)


def pip_install(*packages: str) -> str:
    """The command that installs packages, by the names of their modules or their own."""
    return f"pip install {' '.join(packages).replace('_', '-')}"


def _requirements(extra: str) -> list[str]:
    """What an extra requires."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        project = toml_of(SOURCES.read_bytes())["project"]
        if project["name"] == "casnet":
            return list(project["optional-dependencies"][extra])
    every = metadata.requires("casnet") or []
    return [text for text in every if re.search(rf"extra == ['\"]{extra}['\"]", text)]
