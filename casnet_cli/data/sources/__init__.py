"""The raw data sets that can be prepared, by name."""

import difflib
import importlib
from typing import TYPE_CHECKING

from casnet_cli.errors import DataError

if TYPE_CHECKING:
    from casnet_cli.data.sources.base import Source

SOURCES = {
    "sift-flow": "casnet_cli.data.sources.sift_flow",
    "stanford-background": "casnet_cli.data.sources.stanford_background",
    "camvid": "casnet_cli.data.sources.camvid",
    "demo": "casnet_cli.data.sources.demo",
    "voc2012": "casnet_cli.data.sources.voc2012",
    "ade20k": "casnet_cli.data.sources.ade20k",
    "cityscapes": "casnet_cli.data.sources.cityscapes",
}
"""Modules with a constant `SOURCE`, by its name; imported on demand, as reading MATLAB files needs SciPy.

A new data set is one module more, and one line here.
"""


def find(name: str) -> "Source":
    """The source called `name`. Raises DataError naming the nearest known one."""
    if name not in SOURCES:
        known = (*SOURCES, "folder")
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise DataError(f"{name}: no such data set (did you mean {nearest}? known: {', '.join(known)})")
    source: Source = importlib.import_module(SOURCES[name]).SOURCE
    return source
