"""How large a prepared file will be, estimated before it is written."""

import time
from collections.abc import Sequence
from pathlib import Path

from casnet_cli.data.encoded import encoded_sample
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.sources.base import Entry
from casnet_cli.errors import DataError
from casnet_cli.util.space import SpaceNeeded
from casnet_cli.util.text import count

TRIED = 8
"""Samples that are encoded for the estimate, at most."""

PATIENCE = 1.0
"""Seconds after which no further one is."""

KEPT = (".jpg", ".jpeg", ".png")
"""Endings of pictures that are mostly stored byte for byte."""

ROW = 200
"""Bytes of a sample beside its image and label: its name, and what is counted of it."""


def stored_size(entries: Sequence[Entry], classes: int, intensities: Intensities) -> SpaceNeeded | None:
    """The bytes of a prepared file of these entries; None if none of those that were tried can be read.

    Some entries, spread over all, are encoded as they will be. If the pictures among them that can be stored byte for
    byte were, the file takes at least what all files of that kind have.
    """
    began, kept = time.monotonic(), True
    sizes: list[int] = []
    for entry in entries[:: -(-len(entries) // TRIED) or 1]:
        if sizes and time.monotonic() - began > PATIENCE:
            break
        try:
            sample = encoded_sample(entry, classes, intensities)
        except DataError:
            continue  # writing the file will say so
        sizes.append(len(sample.image) + len(sample.label) + ROW)
        kept = kept and len(sample.image) >= _bytes_kept(entry.image)
    if not sizes:
        return None
    least = sum(_bytes_kept(entry.image) for entry in entries) if kept else 0
    likely = max(least, round(len(entries) * sum(sizes) / len(sizes)))
    return SpaceNeeded(least, likely, f"{len(sizes)} of {count(len(entries), 'image')}")


def _bytes_kept(image: Path | None) -> int:
    """Bytes of a picture's file if it is of a kind that is stored as it is, else 0."""
    try:
        return image.stat().st_size if image and image.suffix.lower() in KEPT else 0
    except OSError:
        return 0
