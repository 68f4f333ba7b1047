"""One's own pictures with LabelMe's files, or those of tools that write its form."""

from pathlib import Path

import numpy as np

from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.annotations.drawing import LABELME
from casnet_cli.data.annotations.labelme import read_labelme
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.two_folders import pair_files
from casnet_cli.data.sources.base import Source
from casnet_cli.data.sources.folder import Origin
from casnet_cli.data.sources.outlines import label_of_shapes, names_of
from casnet_cli.errors import DataError, Unfit

ENDINGS = (".json",)


def source_of_labelme(origin: Origin, labels: Path, table: ClassTable | None) -> Source:
    """A source of images and LabelMe files. Raises DataError as `pair_files` and `Origin.source` do.

    Without a table the classes are `background` and the labels that occur, in the order of the names.
    """
    found = pair_files(origin.images, labels, ENDINGS, origin.left_out)
    occurring: set[str] = set()
    faults: list[Unfit] = []
    for pair in found.pairs if table is None else ():
        if pair.label:
            try:
                occurring |= {shape.label for shape in read_labelme(pair.label).shapes}
            except Unfit as fault:  # raised again when the sample is read
                faults.append(fault)
    if table is None and not occurring:
        raise faults[0] if faults else DataError(f"{labels}: no LabelMe file in it has a shape")
    names = names_of(table, sorted(occurring), labels)

    def label_of(pair: FilePair) -> np.ndarray:
        assert pair.label is not None  # an entry without one is never read
        content = read_labelme(pair.label)
        size = (content.height, content.width) if content.height and content.width else None
        return label_of_shapes(content.shapes, pair.image, names, size, LABELME, origin.remarks)

    return origin.source(names.labels, found.pairs, label_of, found.spare)
