"""Ultralytics' data sets: a YAML file or a list of classes, pictures, and for each a file of polygons, or a mask."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from casnet_cli.data.annotations.annotated_file import AnnotatedFile, AnnotatedPicture
from casnet_cli.data.annotations.shapes import Kind, PictureShapes, Shape, ShapeError, checked_points
from casnet_cli.data.classes.class_lists import read_list, yaml_names
from casnet_cli.data.layouts.lists import plain, read_lines
from casnet_cli.data.layouts.names import TOPS
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.data.sources.base import files_below, read_bytes
from casnet_cli.errors import DataError, Unfit, UnfitKind
from casnet_cli.util.parsing import yaml_of
from casnet_cli.util.text import count

BEYOND = 0.01
"""How far centre and extent of an outline may lie outside of 0..1, as Ultralytics has it."""


@dataclass(frozen=True)
class YoloPicture:
    """A picture of a data set."""

    file: Path
    """Where it lies."""
    split: str | None
    """train, val or test: the first that names it; None: none does."""
    name: str
    """Its sub-folders below the pictures of its split, and its name without ending."""

    def partner(self, folder: str, ending: str) -> Path | None:
        """Its label file: in the folder that stands in place of the last one called `images`; None without such."""
        parts = list(self.file.parts)
        places = [index for index, part in enumerate(parts[:-1]) if part == "images"]
        if not places:
            return None
        parts[places[-1]] = folder
        return Path(*parts).with_suffix(ending)


@dataclass(frozen=True)
class YoloDataset:
    """A data set as its YAML file has it."""

    names: dict[int, str]
    """The classes by their numbers."""
    masks_dir: str
    """Name of the folder of the masks, if there are some."""
    pictures: tuple[YoloPicture, ...]
    """All pictures, once each."""
    repeated: int
    """Pictures that a further split names again, and that stay in the first."""


def read_dataset(file: Path, root: Path) -> YoloDataset | None:
    """A data set; None if the file is of another kind. root: folder below which folders are looked for, too.

    Raises DataError for classes without number, keypoints, and folders that are not there.
    """
    content = _yaml(file)
    if not isinstance(content, dict) or "names" not in content or "train" not in content:
        return None
    if "kpt_shape" in content:
        raise DataError(f"{file}: its label files hold keypoints, not outlines (expected polygons or masks)")
    try:
        names = yaml_names(content["names"])
    except ValueError as error:
        raise DataError(f"{file}: names are {error} (expected names: {{0: road}})") from None
    bases = (file.parent, root, file.parent / PurePosixPath(plain(str(content.get("path") or "."))).name)
    found: dict[Path, YoloPicture] = {}
    named = 0
    for split in ("train", "val", "test"):
        files = _images_of(file, bases, split, content.get(split))
        folder = Path(os.path.commonpath([one.parent for one in files])) if files else Path()
        for one in files:
            name = one.relative_to(folder).with_suffix("").as_posix()
            found.setdefault(one, YoloPicture(one, split, name))
        named += len(files)
    masks_dir = str(content.get("masks_dir") or "masks")
    return YoloDataset(names, masks_dir, tuple(found.values()), named - len(found))


def read_listed(file: Path) -> YoloDataset | None:
    """A data set without YAML: `classes.txt` beside `images`, or in `labels`, and `labels` with polygons.

    None if the file lists no classes, or there are no such pictures. Sub-folders called `train`, `val` or `test` are
    splits.
    """
    classes = read_list(file)
    root = file.parent.parent if file.parent.name == "labels" else file.parent
    if classes is None or not (root / "images").is_dir():
        return None
    pictures = []
    for name, one in files_below(root / "images", readable_endings(), once=False).items():
        top = PurePosixPath(name).parts[0].lower()
        pictures.append(YoloPicture(one, TOPS.get(top) if "/" in name else None, name))
    return YoloDataset({one.id: one.name for one in classes.classes}, "masks", tuple(pictures), 0)


def _yaml(file: Path) -> object:
    try:
        return yaml_of(read_bytes(file))
    except ValueError:
        return None


def _images_of(file: Path, bases: tuple[Path, ...], split: str, given: object) -> list[Path]:
    """The pictures of a split: of folders or lists, one or several. Raises DataError for one that is not there."""
    found: list[Path] = []
    for text in given if isinstance(given, list) else [given] if given else []:
        place = plain(str(text)).strip("/")
        places = dict.fromkeys((place, place.removeprefix("../")))  # as Ultralytics reads what Roboflow writes
        targets = (base / one for one in places for base in bases)
        target = next((one for one in targets if os.path.exists(one)), None)
        if target is None and split == "test":  # which Ultralytics does without
            continue
        if target is None:
            raise DataError(f"{file}: {split}: {text} is not there (a folder or list below {bases[0]})")
        if target.is_dir():
            found += files_below(target, readable_endings(), once=False).values()
        else:
            found += [_of_line(target, bases, plain(line)) for _, line in read_lines(target)]
    return found


def _of_line(file: Path, bases: tuple[Path, ...], line: str) -> Path:
    """A picture that a list names: beside the list, else below a folder of the data set."""
    candidates = [base / line.lstrip("/") for base in (file.parent, *bases)]
    return next((one for one in candidates if os.path.isfile(one)), candidates[0])


def read_yolo(file: Path) -> AnnotatedFile:
    """The pictures of a data set with their files of polygons. Raises DataError."""
    if file.suffix.lower() == ".txt":
        dataset, expected = read_listed(file), "a name a line, and images and labels beside"
    else:
        dataset, expected = read_dataset(file, file.parent.parent), "the keys train and names"
    if dataset is None:
        raise DataError(f"{file}: this is no data set of Ultralytics (expected {expected})")
    pictures, boxes, number = [], [], 0
    for one in dataset.pictures:
        label = one.partner("labels", ".txt")
        there = label is not None and label.is_file()
        if label and there:
            rows = list(_rows(label))
            number += len(rows)
            boxes += [f"line {place} of {label}" for place, words in rows if len(words) == 5]
        read = partial(_read, label if there else None, dataset.names)
        absent = None if there else (label or one.file).parent
        pictures.append(AnnotatedPicture(str(one.file), read, split=one.split, absent=absent))
    again = f"{count(dataset.repeated, 'picture')} of a further split left out there, named by an earlier one too"
    classes = {dataset.names[key]: None for key in sorted(dataset.names)}
    ids = {name: key for key, name in dataset.names.items()}
    return AnnotatedFile(
        file, tuple(pictures), classes, ids, tuple(boxes), number, notes=(again,) * (dataset.repeated > 0)
    )


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that is not empty. Raises DataError if the file cannot be read."""
    text = read_bytes(file).decode("utf-8-sig", "replace")
    numbered = enumerate((line.split() for line in text.splitlines()), 1)
    return (row for row in numbered if row[1])


def _read(file: Path | None, names: dict[int, str]) -> PictureShapes:
    """The shapes of a picture, their points as fractions of its width and height. Raises Unfit naming the line."""
    shapes = []
    for place, words in _rows(file) if file else ():
        assert file is not None
        try:
            shapes.append(_shape(words, f"line {place}", file, names))
        except ShapeError as error:
            raise Unfit(f"{file}: line {place}: {error} (mend or remove it)", UnfitKind.UNREADABLE) from None
    return PictureShapes(tuple(shapes))


def _shape(words: list[str], name: str, file: Path, names: dict[int, str]) -> Shape:
    """A polygon, or of four numbers, centre and extent, a box. Raises ShapeError."""
    try:
        number = float(words[0])
    except ValueError:
        number = -1.0
    if number not in names:
        raise ShapeError(
            f"{words[0][:20]} is the number of no class ({min(names, default=0)} to {max(names, default=0)})"
        )
    if any(word.lower().lstrip("+-") in ("nan", "inf", "infinity") for word in words[1:]):
        raise ShapeError("a coordinate is no number (expected fractions of width and height, 0 to 1)")
    points = checked_points(words[1:], 2 if len(words) == 5 else 3)
    if len(words) == 5:
        points = points[0] + points[1] / 2 * np.array([[-1], [1]])
    low, high = points.min(0), points.max(0)
    centre, extent = (low + high) / 2, high - low
    if max(centre.max(), extent.max()) > 1 + BEYOND or centre.min() < -BEYOND:
        raise ShapeError("it lies outside of the picture (expected fractions of its width and height, 0 to 1)")
    return Shape(Kind.BOX if len(words) == 5 else Kind.POLYGON, names[int(number)], name, file, points)
