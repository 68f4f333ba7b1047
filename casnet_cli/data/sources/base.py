"""What every reader of a raw data set provides, and the checks that the readers share."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from casnet_cli.data.images import UNREADABLE, by_pillow
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.data.pixels.read import content_of
from casnet_cli.data.pixels.survey import Survey, SurveyProgress
from casnet_cli.data.versions import Version
from casnet_cli.errors import DataError, Unfit, UnfitKind, reason
from casnet_cli.labels import VOID, LabelSet


@dataclass(frozen=True)
class Sample:
    """One labelled image as it goes into the prepared file."""

    image: bytes
    """The encoded JPEG or PNG, byte for byte as found; of other depths and bands a TIFF."""
    label: np.ndarray
    """(H, W) uint8, class ids 0..K-1, 255 = void; H and W are the image's."""


Reader = Callable[[Path, Path], Sample]
"""Makes the sample of an image file and its label file. Raises DataError."""

Endings = tuple[tuple[str, ...], tuple[str, ...]]
"""Endings of file names in small letters: of images, and of labels."""

SOURCE_IMAGE_ENDINGS = (".jpg", ".jpeg", ".png")
"""Endings of the images of published data sets whose archives differ in them."""


@dataclass(frozen=True)
class Entry:
    """A sample that has been listed but not yet read."""

    split: str
    """train, val or test."""
    name: str
    """Unique within the split."""
    read: Callable[[], Sample] | None
    """Makes the sample, in any thread; raises DataError."""
    image: Path | None = None
    """Its image file, if it comes from one."""
    label: Path | None = None
    """Its label file, if it comes from one."""
    fault: Unfit | None = None
    """Why it cannot be read, if listing the files has shown that already."""
    fold: int | None = None
    """Of a training image of a set whose folds do not follow from the names: its fold from 1, or 0 for none, which is
    trained on in every fold; None in all entries: folds follow from the names."""
    group: str | None = None
    """Of a training image: validation images are held out by whole groups; None in all entries: there are none."""

    def load(self) -> Sample:
        """Read the sample. Raises DataError, mostly Unfit."""
        if self.fault or not self.read:
            raise self.fault or Unfit(f"{self.split}/{self.name}: cannot be read", UnfitKind.UNREADABLE)
        return self.read()


@dataclass(frozen=True)
class Source:
    """A raw data set: official file names, where it may be downloaded, and how to list it."""

    name: str
    """Of the data set, in small letters and hyphens."""
    labels: LabelSet
    """Its classes."""
    entries: Callable[[Path], list[Entry]]
    """Lists all samples of the extracted folder, in the order in which they are stored. Raises DataError."""
    folder: str
    """Official name of the extracted folder; empty for data that are built in or one's own."""
    archives: tuple[str, ...] = ()
    """Official names of the archive; the first one is that of the download."""
    url: str | None = None
    """Where the archive may be downloaded."""
    folds: int | None = None
    """Number of folds of a set that is cross-validated."""
    counts: tuple[tuple[str, int], ...] = ()
    """Samples of each split that a complete copy has; empty if the set comes in parts."""
    content: Mapping[str, str] = field(default_factory=dict)
    """Digests of the parts of a copy known to be good (`data.digests`), if there is one."""
    spare: tuple[Path, ...] = ()
    """Label files that belong to no image, where that is allowed."""
    roots: tuple[Path, ...] = ()
    """Files and folders of one's own data, given by options."""
    settings: str = ""
    """What else decides the content of the prepared file of one's own data."""
    history: str = ""
    """What the first of the roots was itself made from."""
    left_out: tuple[str, ...] = ()
    """Sentences about pictures in one's own folders that casnet does not read."""
    incomplete: str = ""
    """A sentence on images without labels, and what helps; empty if there are none, or nothing is known."""
    survey: Survey | None = None
    """What the pictures of one's own data hold; None: they are 8-bit RGB."""
    versions: tuple[Version, ...] = ()
    """The prepared file that this is added to, and its earlier versions, the oldest first."""

    def intensities(self, on_progress: SurveyProgress = lambda done, total: None) -> Intensities:
        """What the pictures hold, and how a network sees them. Raises as `Survey.intensities` does."""
        return self.survey.intensities(on_progress) if self.survey else PLAIN

    def remarks(self) -> tuple[str, ...]:
        """What was left out, decided of pictures and masks, and done to those read so far, in sentences."""
        left_out = (*self.left_out, self.incomplete) if self.incomplete else self.left_out
        if self.survey is None:
            return left_out
        return (*left_out, *self.survey.notes, *(remark.line for remark in self.survey.remarks.all()))


def locate_folder(
    root: Path,
    folders: tuple[str, ...],
    required: tuple[str, ...],
    layout: str,
    enough: Callable[[Iterable[bool]], bool] = all,
) -> Path:
    """The folder that holds the data set: `root` itself, or one of `folders` inside it.

    required: names that must exist in it; `enough` is `all` or, if the set comes in parts, `any`.
    layout: the expected layout in words, for the message.
    Raises DataError naming what is missing.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder (expected {layout})")
    candidates = [root, *(root / folder for folder in folders)]
    for candidate in candidates:
        if enough((candidate / part).exists() for part in required):
            return candidate
    # A folder of the official name is most likely the data set, so the message is about that one.
    likely = next((candidate for candidate in candidates[1:] if candidate.is_dir()), root)
    missing = [part for part in required if not (likely / part).exists()]
    raise DataError(f"{likely}: {', '.join(missing)} not found (expected {layout})")


def files_below(
    folder: Path, endings: tuple[str, ...], once: bool = True, left_out: LeftOut | None = None
) -> dict[str, Path]:
    """All files under `folder` with one of `endings` (lower case; case is ignored), in the order of their names.

    Keys are paths relative to `folder`, '/' between folders, without the ending.
    once: raise DataError if two files have the same key. left_out: collects pictures that casnet does not read.
    """
    found: dict[str, Path] = {}
    for file in sorted(folder.rglob("*")):
        relative = file.relative_to(folder)
        ending = next((ending for ending in endings if file.name.lower().endswith(ending)), None)
        # Archives packed on a Mac bring a hidden twin "._name" of every file.
        if any(part.startswith(".") for part in relative.parts) or not file.is_file():
            continue
        if ending is None:
            if left_out is not None:
                left_out.add(file)
            continue
        name = relative.as_posix()[: -len(ending)]
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(f"{file}: its name is no UTF-8 (rename it)") from None
        if once and name in found:
            raise DataError(f"{file}: has the same name as {found[name].name} (one file a sample)")
        found[name] = file
    return dict(sorted(found.items()))


def match_files(split: str, images: Path, labels: Path, endings: Endings, read: Reader) -> list[Entry]:
    """An entry for every image and label file of one name below the two folders, in the order of the names.

    An entry without an image or without a label carries that as its fault. Raises DataError if there are no files.
    """
    image_files, label_files = files_below(images, endings[0]), files_below(labels, endings[1])
    if not image_files and not label_files:
        raise DataError(f"{images}: holds no image ({', '.join(endings[0])})")
    listed = []
    for name in sorted(image_files.keys() | label_files.keys()):
        image, label = image_files.get(name), label_files.get(name)
        if image and label:
            listed.append(Entry(split, name, partial(read, image, label), image, label))
        else:
            fault = missing_partner(image, label, images if label else labels)
            listed.append(Entry(split, name, None, image, label, fault))
    return listed


def missing_partner(image: Path | None, label: Path | None, searched: Path) -> Unfit:
    """The fault of an image without label, or of a label without image."""
    if image:
        return Unfit(f"{image}: has no label in {searched}", UnfitKind.NO_LABEL)
    return Unfit(f"{label}: has no image in {searched}", UnfitKind.NO_IMAGE)


def read_bytes(file: Path) -> bytes:
    """The whole file. Raises DataError if it cannot be read."""
    try:
        return content_of(file)
    except UNREADABLE as error:
        fault = f"{file}: cannot be read: {reason(error)} (expected a readable file)"
        raise Unfit(fault, UnfitKind.UNREADABLE) from error


def labelled_sample(image_file: Path, label_file: Path, label: np.ndarray) -> Sample:
    """The sample of an image file and its (H, W) uint8 label. Raises DataError as `check_same_size` does."""
    image = read_bytes(image_file)
    check_same_size(image_file, image, label_file, label)
    return Sample(image, label)


def check_same_size(image_file: Path, image: bytes, label_file: Path, label: np.ndarray) -> None:
    """Raise DataError if `image` is no JPEG or PNG, or if its size is not that of `label`, (H, W).

    Only the header is read, so that listing a set costs less than decoding it; damage behind the header is found when
    the image is decoded.
    """
    try:
        with by_pillow(io.BytesIO(image), ("JPEG", "PNG")) as picture:
            width, height = picture.size
    except UNREADABLE as error:
        raise Unfit(f"{image_file}: not a readable image (expected JPEG or PNG)", UnfitKind.UNREADABLE) from error
    if label.shape != (height, width):
        raise Unfit(
            f"{label_file}: labels {label.shape[1]}x{label.shape[0]} pixels, but {image_file} has {width}x{height} "
            "(label and image must have the same size)",
            UnfitKind.TURNED if label.shape == (width, height) else UnfitKind.SIZES,
        )


def class_ids(raw: np.ndarray, file: Path, first: int, classes: int, void: int) -> np.ndarray:
    """Class ids (H, W) uint8, 0..classes-1 and VOID, of the numbers found in `file`.

    raw: (H, W), any integer or floating dtype; first..first+classes-1 are the classes, `void` is unlabelled.
    Raises DataError naming the first pixel with any other value, or if `raw` is no single plane of numbers.
    """
    allowed = f"expected {first}..{first + classes - 1}, or {void} for unlabelled"
    if raw.ndim != 2 or raw.size == 0 or raw.dtype.kind not in "iuf":
        raise Unfit(
            f"{file}: {raw.dtype} of shape {raw.shape} is no plane of class ids ({allowed})", UnfitKind.UNREADABLE
        )
    unlabelled = raw == void
    known = (raw >= first) & (raw < first + classes)
    if raw.dtype.kind == "f":
        known &= raw == np.rint(raw)
    foreign = ~(known | unlabelled)
    if foreign.any():
        row, column = np.unravel_index(int(foreign.argmax()), foreign.shape)
        value = raw[row, column]
        raise Unfit(
            f"{file}: row {row}, column {column} holds {value} ({allowed})", UnfitKind.VALUE, f"{value} ({allowed})"
        )
    # `void` may lie below `first`; subtracted as it is, it would leave the range of an unsigned dtype.
    ids = (np.where(unlabelled, first, raw) - first).astype(np.uint8)
    ids[unlabelled] = VOID
    return ids
