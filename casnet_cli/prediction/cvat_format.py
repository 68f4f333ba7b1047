"""All masks of a folder as a task of CVAT: a zip in its form "CVAT for images 1.1", with the pictures.

A region is a mask of exactly its pixels, or a polygon if outlines are to be simplified.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from casnet_cli.prediction.outlines import RegionRuns, region_runs, regions, without_holes
from casnet_cli.prediction.output_kinds import MARKED
from casnet_cli.util.files import unfinished

if TYPE_CHECKING:
    from casnet_cli.prediction.output_kinds import LabelledFile, LabelledFolder

SUSPECT = "suspect"
"""Attribute of a region whose given label is suspect."""

ATTRIBUTE = (
    f"<attribute><name>{SUSPECT}</name><mutable>False</mutable><input_type>text</input_type>"
    "<default_value></default_value><values></values></attribute>"
)
"""What a label says of it."""

ANNOTATIONS, PICTURES = "annotations.xml", "images"
"""The file of regions and the folder of pictures in the zip."""


def write_cvat(file: Path, folder: "LabelledFolder") -> None:
    """A task's zip. Raises OSError."""
    copied: list[tuple[str, Path]] = []
    with unfinished(file) as path, ZipFile(path, "w", ZIP_DEFLATED) as archive:
        with archive.open(ANNOTATIONS, "w", force_zip64=True) as stream:
            stream.write(_head(folder).encode())
            for number, picture in enumerate(folder.pictures):
                stream.write(_image(number, picture, folder).encode())
                copied.append((picture.name, picture.file))
            stream.write(b"</annotations>\n")
        for name, source in copied:
            add_file(archive, f"{PICTURES}/{name}", source)


def add_file(archive: ZipFile, name: str, source: Path) -> None:
    """Put a file into an archive as it is. Raises OSError."""
    entry = ZipInfo(name)
    entry.compress_type = ZIP_STORED
    with open(source, "rb") as content, archive.open(entry, "w", force_zip64=True) as stream:
        shutil.copyfileobj(content, stream)


def _head(folder: "LabelledFolder") -> str:
    attributes = ATTRIBUTE if folder.audited else ""
    rows = "".join(
        f"<label><name>{escape(name)}</name><color>#{red:02x}{green:02x}{blue:02x}</color>"
        f"<attributes>{attributes}</attributes></label>\n"
        for name, (red, green, blue) in zip(folder.labels.names, folder.labels.palette, strict=True)
    )
    meta = f"<meta><task><labels>\n{rows}</labels></task></meta>\n"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n{meta}'


def _image(number: int, picture: "LabelledFile", folder: "LabelledFolder") -> str:
    height, width = picture.mask.shape
    shapes = _polygons(picture.parts, folder.simplify) if folder.simplify else _masks(picture.parts)
    source, rows = "file" if folder.audited else "auto", ""
    for part, tag, facts in shapes:
        mark, class_id = divmod(part, MARKED)
        note = f'<attribute name="{SUSPECT}">{escape(picture.marks[mark - 1].note)}</attribute>' if mark else ""
        name = quoteattr(folder.labels.names[class_id])
        rows += f'<{tag} label={name} source="{source}" occluded="0" {facts} z_order="0">{note}</{tag}>\n'
    facts = f'id="{number}" name={quoteattr(picture.name)} width="{width}" height="{height}"'
    return f"<image {facts}>\n{rows}</image>\n"


def _polygons(parts: np.ndarray, simplify: float) -> Iterator[tuple[int, str, str]]:
    for region in regions(parts, simplify=simplify):
        points = ";".join(f"{x:.2f},{y:.2f}" for x, y in without_holes(region.rings))
        yield region.class_id, "polygon", f'points="{points}"'


def _masks(parts: np.ndarray) -> Iterator[tuple[int, str, str]]:
    for region in region_runs(parts):
        left, top, width, height, counts = boxed(region, parts.shape[1])
        runs = ", ".join(map(str, counts))
        yield region.class_id, "mask", f'rle="{runs}" left="{left}" top="{top}" width="{width}" height="{height}"'


def boxed(region: RegionRuns, across: int) -> tuple[int, int, int, int, list[int]]:
    """left, top, width and height of the box around a region, and its runs by rows: pixels off and on in turn.

    across: width of the mask in pixels.
    """
    rows = region.starts // across
    columns, stops = region.starts - rows * across, region.ends - rows * across
    left, top = int(columns.min()), int(rows[0])
    width, height = int(stops.max()) - left, int(rows[-1]) - top + 1
    begins, ends = ((rows - top) * width + each - left for each in (columns, stops))
    apart = begins[1:] != ends[:-1]  # a run to the right side of the box may go on in the next row
    begins, ends = begins[np.append(True, apart)], ends[np.append(apart, True)]
    bounds = np.append(np.stack([begins, ends], 1).ravel(), width * height)
    counts = np.diff(bounds, prepend=0).tolist()
    return left, top, width, height, counts if counts[-1] else counts[:-1]
