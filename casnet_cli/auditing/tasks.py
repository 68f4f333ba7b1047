"""The images that hold suspect regions, with the labels given to them, as a task for a labelling tool.

Pictures are what such tools open; in a prepared file they are bytes. They are therefore written into a folder first.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.data.images import UNREADABLE, decode_label, decode_rgb
from casnet_cli.data.pixels.formats import FORMATS
from casnet_cli.data.pixels.read import info_of
from casnet_cli.data.store import Store, StoredSample, Subset
from casnet_cli.errors import DataError, reason
from casnet_cli.labels import LabelSet
from casnet_cli.prediction.output_kinds import FOLDER_KINDS, FOLDER_STEM, LabelledFile, LabelledFolder, Mark
from casnet_cli.util.files import stays_below, write_whole

FOLDER, PICTURES = "tasks", "images"
"""Folder of the tasks beside the list, and of the pictures in it."""

Numbered = list[tuple[int, LocatedSuspect]]
"""Suspects with their numbers in the list, from 1."""


def write(folder: Path, found: Sequence[LocatedSuspect], store: Store, kinds: Sequence[str]) -> list[Path]:
    """Write the pictures of the suspects, and a file of each of `FOLDER_KINDS`; returns these files.

    The picture of the most suspicious region comes first. Raises OSError, and DataError for pictures that are damaged
    or have a name outside of the folder.
    """
    of_image: dict[tuple[str, str], Numbered] = {}
    for number, located in enumerate(found, 1):
        of_image.setdefault((located.split, located.image), []).append((number, located))
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    pictures = {place: _write_picture(folder / PICTURES, _sample(store, *place), store) for place in of_image}
    files = []
    for kind in kinds:
        files.append(folder / f"{FOLDER_STEM}{FOLDER_KINDS[kind].ending}")
        labelled = LabelledFolder(store.labels, _labelled(folder / PICTURES, of_image, pictures, store), audited=True)
        FOLDER_KINDS[kind].write(files[-1], labelled)
    return files


def _sample(store: Store, split: str, image: str) -> StoredSample:
    return Subset(store, split, (store.names[split].index(image),))[0]


def _write_picture(folder: Path, sample: StoredSample, store: Store) -> str:
    """Write a picture as it was found; returns its name below the folder. One that viewers would turn against its label
    becomes a PNG without the tag."""
    content = sample.image
    try:
        info = info_of(content)
        ending = FORMATS[info.format].endings[0]
        if info.orientation != 1:
            buffer = io.BytesIO()
            decode_rgb(io.BytesIO(content)).save(buffer, "PNG")
            content, ending = buffer.getvalue(), ".png"
    except (*UNREADABLE, KeyError) as error:
        raise DataError(f"{store.path}: {sample.name}: the picture cannot be decoded: {reason(error)}") from None
    name = sample.name + ending
    if not stays_below(name):
        raise DataError(f"{store.path}: {sample.name}: the name of an image lies outside of every folder (rename it)")
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, content)
    return name


def _labelled(
    folder: Path, of_image: Mapping[tuple[str, str], Numbered], pictures: Mapping[tuple[str, str], str], store: Store
) -> Iterator[LabelledFile]:
    """The images with their given labels, decoded one by one."""
    for place, suspects in of_image.items():
        label = np.asarray(decode_label(_sample(store, *place).label))
        worst = suspects[0][1].suspect
        marks = tuple(_mark(number, located, store.labels) for number, located in suspects)
        yield LabelledFile(pictures[place], folder / pictures[place], label, round(1 - worst.confidence, 6), marks)


def _mark(number: int, located: LocatedSuspect, labels: LabelSet) -> Mark:
    suspect = located.suspect
    note = f"{number}: {labels.names[suspect.label]} → {labels.names[suspect.proposal]}"
    return Mark(suspect.x, suspect.y, suspect.inside, note)
