"""One's own pictures with an annotation file each: one row a form.

A further tool costs a reader in `data/annotations/`, a row in `data/annotations/tool_files.py`, and a row here.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casnet_cli.data.annotations.darwin import read_darwin
from casnet_cli.data.annotations.drawing import CENTRES, Rule
from casnet_cli.data.annotations.drawing import LABELME as AS_LABELME
from casnet_cli.data.annotations.geojson import read_geojson
from casnet_cli.data.annotations.labelme import read_labelme
from casnet_cli.data.annotations.shapes import PictureShapes
from casnet_cli.data.annotations.tool_files import DARWIN, GEOJSON, LABELME, tool_of
from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.two_folders import pair_files
from casnet_cli.data.sources.base import Source, files_below
from casnet_cli.data.sources.folder import Origin
from casnet_cli.data.sources.folder_sample import check_claim
from casnet_cli.data.sources.outlines import label_of_shapes, names_of, note
from casnet_cli.errors import DataError, Unfit
from casnet_cli.labels import Color
from casnet_cli.util.text import count

LOOKS = 20
"""Files of a folder that are looked at to find their form."""


@dataclass(frozen=True)
class PictureForm:
    """A form of annotations with a file for each picture."""

    name: str
    """As `tool_files` has it."""
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
        occurring = {} if table else self._labels([pair.label for pair in found.pairs if pair.label], folder)
        names = names_of(table, dict(sorted(occurring.items())), folder)

        def label_of(pair: FilePair) -> np.ndarray:
            assert pair.label is not None  # an entry without one is never read
            content = self.read(pair.label)
            for text, left_out in content.left_out.items():
                note(origin.remarks, text, pair.image, left_out)
            if content.size:
                check_claim(pair.image, pair.label, content.size[::-1], origin.pictures.resize_masks)
            return label_of_shapes(content.shapes, pair.image, names, content.size, self.rule, origin.remarks)

        return origin.source(names.labels, found.pairs, label_of, found.spare)

    def _labels(self, files: list[Path], folder: Path) -> dict[str, Color | None]:
        """The labels that occur, with their colours where files have them. Raises DataError if there are none."""
        occurring: dict[str, Color | None] = {}
        faults: list[Unfit] = []
        kinds: Counter[str] = Counter()
        for file in files:
            try:
                content = self.read(file)
                occurring = {shape.label: None for shape in content.shapes} | occurring | dict(content.colors)
                kinds.update(one.kind.value for left in content.left_out.values() for one in left)
            except Unfit as fault:  # raised again when the sample is read
                faults.append(fault)
        if not occurring:
            held = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
            what = f"{self.name} each, {count(len(files), 'file')} read{f'; not drawn: {held}' if held else ''}"
            raise faults[0] if faults else DataError(f"{folder}: no file in it has a shape ({what})")
        return occurring


PICTURE_FORMS = {
    form.name: form
    for form in (
        PictureForm(LABELME, ".json", read_labelme, AS_LABELME),
        PictureForm(GEOJSON, ".geojson", read_geojson, CENTRES),
        PictureForm(DARWIN, ".json", read_darwin, CENTRES),
    )
}
"""Every form by its name; of those with one ending the first is taken for a folder where no file is of a known form."""


def form_of(folder: Path, more_than: int = 0) -> PictureForm | None:
    """The form of most of a folder's annotation files; None if there are not more than so many."""
    endings = dict.fromkeys(form.ending for form in PICTURE_FORMS.values())
    of_ending = {ending: list(files_below(folder, (ending,), once=False).values()) for ending in endings}
    ending = max(of_ending, key=lambda one: len(of_ending[one]))
    if len(of_ending[ending]) <= more_than:
        return None
    tools = (tool_of(file) for file in of_ending[ending][:LOOKS])
    found = Counter(tool.name for tool in tools if tool and tool.name in PICTURE_FORMS)
    fitting = [form for form in PICTURE_FORMS.values() if form.ending == ending]
    return max(fitting, key=lambda form: found[form.name])
