"""One's own pictures with GeoJSON files of regions in pixels, as casnet and QuPath write them."""

from pathlib import Path

import numpy as np

from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.annotations.drawing import CENTRES
from casnet_cli.data.annotations.geojson import read_geojson
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.two_folders import pair_files
from casnet_cli.data.sources.base import Source
from casnet_cli.data.sources.folder import Origin
from casnet_cli.data.sources.outlines import label_of_shapes, names_of
from casnet_cli.errors import DataError, Unfit

ENDINGS = (".geojson",)


def source_of_geojson(origin: Origin, labels: Path, table: ClassTable | None) -> Source:
    """A source of images and GeoJSON files. Raises DataError as `pair_files` and `Origin.source` do.

    Without a table the classes are `background` and the classes that occur, in the order of the names.
    """
    found = pair_files(origin.images, labels, ENDINGS, origin.left_out)
    occurring: set[str] = set()
    faults: list[Unfit] = []
    for pair in found.pairs if table is None else ():
        if pair.label:
            try:
                occurring |= {shape.label for shape in read_geojson(pair.label)}
            except Unfit as fault:  # raised again when the sample is read
                faults.append(fault)
    if table is None and not occurring:
        raise faults[0] if faults else DataError(f"{labels}: no GeoJSON file in it has a region")
    names = names_of(table, sorted(occurring), labels)

    def label_of(pair: FilePair) -> np.ndarray:
        assert pair.label is not None  # an entry without one is never read
        return label_of_shapes(read_geojson(pair.label), pair.image, names, None, CENTRES, origin.remarks)

    return origin.source(names.labels, found.pairs, label_of, found.spare)
