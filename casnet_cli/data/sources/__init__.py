"""The raw data sets that can be prepared, by name."""

import difflib
import importlib

from casnet_cli.data.sources.base import Source
from casnet_cli.errors import DataError

NAMES = ("sift-flow", "stanford-background", "camvid", "demo", "voc2012", "ade20k", "cityscapes")


def find(name: str) -> Source:
    """The source called `name`. Raises DataError naming the nearest known one."""
    if name not in NAMES:
        known = (*NAMES, "folder")
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise DataError(f"{name}: no such data set (did you mean {nearest}? known: {', '.join(known)})")
    # Imported on demand: reading MATLAB files pulls in SciPy, which only one of the sets needs.
    source: Source = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").SOURCE
    return source
