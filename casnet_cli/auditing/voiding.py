"""A copy of a data set in which some regions are void."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from casnet_cli.auditing.review_list import Regions
from casnet_cli.data import store
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store
from casnet_cli.errors import InputError
from casnet_cli.labels import VOID


def write(original: Store, target: Path, regions: Regions) -> None:
    """Write the copy; the original is left as it is. Raises DataError, and InputError for a file that exists."""
    if target.suffix != ".h5":
        raise InputError(f"{target}: no name of a data set (one that ends in .h5)")
    if target.exists():
        raise InputError(f"{target}: is there already (nothing is written over: name a new file)")

    def sample(entry: Entry) -> Sample:
        found = entry.load()
        label = np.array(found.label)
        for rows, columns, inside in regions[entry.split, entry.name]:
            label[rows, columns][inside] = VOID
        return Sample(found.image, label)

    entries = [
        replace(entry, read=partial(sample, entry)) if (entry.split, entry.name) in regions else entry
        for entry in original.entries()
    ]
    source = Source(
        original.name,
        original.labels,
        lambda root: entries,
        "",
        folds=original.folds,
        versions=original.versions,
    )
    origin = {"source": f"{original.path} with {sum(map(len, regions.values()))} regions void", "source_sha256": ""}
    provenance = {**origin, "source_stamp": ""}
    store.write(target, source, entries, provenance, intensities=original.intensities)
