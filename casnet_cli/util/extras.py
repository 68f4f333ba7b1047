"""The packages of an extra by their own names: `pip install casnet[video]` would ask an index, that may not have it."""

import re
from importlib import metadata


def install(extra: str) -> str:
    """The command that installs the packages of an extra of `pyproject.toml`: `pip install av`."""
    try:
        requirements = metadata.requires("casnet") or []
    except metadata.PackageNotFoundError:  # run from its sources
        requirements = []
    of_extra = (text for text in requirements if re.search(rf"extra == ['\"]{extra}['\"]", text))
    names = [found.group() for text in of_extra if (found := re.match(r"[\w.-]+", text))]
    return f"pip install {' '.join(names)}" if names else f"pip install '.[{extra}]' in the folder of casnet's sources"
