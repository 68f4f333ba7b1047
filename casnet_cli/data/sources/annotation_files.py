"""One's own pictures with a file of outlines each, in the form of a labelling tool: one row a form.

A further tool costs a reader in `data/annotations/` and a row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.annotations.drawing import CENTRES, LABELME, Rule
from casnet_cli.data.annotations.geojson import read_geojson
from casnet_cli.data.annotations.labelme import read_labelme
from casnet_cli.data.annotations.shapes import PictureShapes
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.two_folders import pair_files
from casnet_cli.data.sources.base import Source, files_below
from casnet_cli.data.sources.folder import Origin
from casnet_cli.data.sources.outlines import label_of_shapes, names_of
from casnet_cli.errors import DataError, Unfit


@dataclass(frozen=True)
class AnnotationForm:
    """A form of annotations with a file for each picture."""

    name: str
    """Of the tool."""
    ending: str
    """Of its files, in small letters."""
    read: Callable[[Path], PictureShapes]
    """The shapes of a file. Raises Unfit."""
    rule: Rule
    """How the tool itself draws them."""

    def source(self, origin: Origin, folder: Path, table: ClassTable | None) -> Source:
        """A source of images and a folder of such files. Raises DataError as `pair_files` and `Origin.source` do.

        Without a table the classes are `background` and the labels that occur, in the order of the names.
        """
        found = pair_files(origin.images, folder, (self.ending,), origin.left_out)
        occurring = set() if table else self._labels([pair.label for pair in found.pairs if pair.label], folder)
        names = names_of(table, sorted(occurring), folder)

        def label_of(pair: FilePair) -> np.ndarray:
            assert pair.label is not None  # an entry without one is never read
            content = self.read(pair.label)
            return label_of_shapes(content.shapes, pair.image, names, content.size, self.rule, origin.remarks)

        return origin.source(names.labels, found.pairs, label_of, found.spare)

    def _labels(self, files: list[Path], folder: Path) -> set[str]:
        """The labels that occur. Raises DataError if there are none."""
        occurring: set[str] = set()
        faults: list[Unfit] = []
        for file in files:
            try:
                occurring |= {shape.label for shape in self.read(file).shapes}
            except Unfit as fault:  # raised again when the sample is read
                faults.append(fault)
        if not occurring:
            raise faults[0] if faults else DataError(f"{folder}: no {self.name} file in it has a shape")
        return occurring


ANNOTATION_FORMS = {
    form.name: form
    for form in (
        AnnotationForm("LabelMe", ".json", read_labelme, LABELME),
        AnnotationForm("GeoJSON", ".geojson", read_geojson, CENTRES),
    )
}
"""Every form by its name."""


def form_of(folder: Path, more_than: int = 0) -> AnnotationForm | None:
    """The form of most of a folder's files; None if no form has more than so many."""
    numbers = {name: len(files_below(folder, (form.ending,), once=False)) for name, form in ANNOTATION_FORMS.items()}
    most = max(numbers, key=lambda name: numbers[name])
    return ANNOTATION_FORMS[most] if numbers[most] > more_than else None
