"""Tiny raw data sets in the official layouts, and what tests of their readers share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.sources.base import Source
from casnet_cli.errors import DataError


def write_image(file: Path, width: int = 4, height: int = 3) -> None:
    """An RGB image of one colour."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (10, 200, 30)).save(file)


def write_ids(file: Path, values: list[list[int]], palette: list[int] | None = None) -> None:
    """A mask of class ids: grey, or with a palette."""
    file.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.fromarray(np.array(values, np.uint8))
    if palette:
        mask.putpalette(palette)
    mask.save(file)


def listing(source: Source, root: Path) -> list[tuple[str, str]]:
    """Split and name of each entry, in their order."""
    return [(entry.split, entry.name) for entry in source.entries(root)]


def fails(action: Callable[[], object], *words: object) -> None:
    """The action raises DataError of one printable line, with these words in it."""
    with pytest.raises(DataError) as caught:
        action()
    message = str(caught.value)
    assert message.isprintable()
    for word in words:
        assert str(word) in message
