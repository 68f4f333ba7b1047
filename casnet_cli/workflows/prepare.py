"""What `casnet prepare` does: make a prepared file of a known data set, or of a folder of one's own."""

import re
from dataclasses import dataclass
from pathlib import Path

from casnet_cli import console, paths
from casnet_cli.data import preparation, sources
from casnet_cli.data.annotations import class_proposal, class_table
from casnet_cli.data.annotations.mending import NO_MENDING, Mending, check_mending
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.data.pixels.survey import PictureOptions
from casnet_cli.data.sources import folder as folders
from casnet_cli.data.sources.base import Source, files_below
from casnet_cli.data.splits import SPLITS
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.util.files import write_whole

FOLDER = "folder"
"""The name of one's own data, in place of that of a known data set."""

TABLE = Path("classes.toml")
"""Where a proposed table of classes is written, unless --classes names another file."""


@dataclass(frozen=True)
class FolderOptions:
    """The options of `casnet prepare folder` and `casnet check folder`: one's own data."""

    images: Path | None = None
    """Folder of the images."""
    masks: Path | None = None
    """Folder of the masks, or of LabelMe files."""
    annotations: Path | None = None
    """COCO file, in place of masks."""
    classes: Path | None = None
    """Table of classes, a TOML file."""
    name: str | None = None
    """Of the data set; None: that of the folder of images."""
    val_fraction: float = 0.0
    """Share of the images for val, 0 or more and less than 1."""
    test_fraction: float = 0.0
    """Share of the images for test."""
    split_files: tuple[Path, Path, Path] | None = None
    """Lists of the images of train, val and test; `-` stands for none."""
    folds: int | None = None
    """Number of folds of cross-validation."""
    pictures: PictureOptions = PictureOptions()
    """How the images are taken: range, bands, no data; and whether masks are fitted to them."""
    mending: Mending = NO_MENDING
    """What is done to pixels of masks that no class and no void claims."""
    propose: bool = False
    """Only write a table of classes to edit."""


def run(
    dataset: str,
    source: Path | None,
    out: Path | None,
    data: Path | None = None,
    folder: FolderOptions = FolderOptions(),
    strict: bool = False,
) -> Path:
    """Prepare a data set and describe it.

    dataset: name of a known data set, or `FOLDER` with its options. source: the raw data; None: found or downloaded.
    out: the file to write; None: in the folder `data`. strict: refuse data that are not those of the known copy.
    Returns the prepared file, or that of the proposed classes. Raises CasnetError.
    """
    if dataset != FOLDER:
        if folder != FolderOptions():
            raise InputError(f"{dataset}: --images, --masks and their like are for one's own data (prepare folder)")
        return _prepare(sources.find(dataset), source, out, data, strict)
    if folder.propose:
        if out:
            raise InputError("--out: the file of prepared data (--propose writes the classes to --classes FILE)")
        return _propose(folder)
    if source:
        raise InputError("--source: one's own data are named by --images and --masks or --annotations")
    return _prepare(folder_source(folder), None, out, data, strict)


def _prepare(source: Source, given: Path | None, out: Path | None, data: Path | None, strict: bool) -> Path:
    with console.bar(source.name) as bar:
        prepared = preparation.prepare(
            source, data or paths.DATA, out, given, lambda step, done, total: bar.update(done, total, step), strict
        )
    if prepared.foreign:
        what = f"{', '.join(prepared.foreign)} are not those of the copy that casnet knows"
        console.message(
            f"warning: {prepared.source}: {what} (metrics may differ from published ones; --strict refuses)"
        )
    if prepared.unchanged:
        console.message(f"{prepared.path} is up to date with {prepared.source}")
        return prepared.path
    store = Store(prepared.path)
    counts = ", ".join(f"{len(names)} {split}" for split, names in store.names.items())
    folds = f", {store.folds} folds" if store.folds else ""
    for remark in prepared.remarks:
        console.message(remark)
    if len(alone := _trained_classes(store)) == 1:
        console.message(
            f"warning: every labelled pixel of train is {alone[0]}: nothing can be learnt of one class "
            "(if what is void is the ground, make it a class)"
        )
    console.message(f"prepared {prepared.path} from {prepared.source}")
    console.result(f"{store.name}: {counts}{folds}, {len(store.labels)} classes")
    return prepared.path


def _trained_classes(store: Store) -> list[str]:
    """Names of the classes that labels of training images have."""
    pixels = store.statistics()["split_class_pixels"][SPLITS.index("train")]
    return [name for name, number in zip(store.labels.names, pixels, strict=True) if number]


def folder_source(options: FolderOptions) -> Source:
    """The source of one's own data. Raises InputError if options are missing or exclude each other, DataError."""
    images = _existing(options.images, "--images")
    if (options.masks is None) == (options.annotations is None):
        raise InputError("prepare folder: name either --masks DIR or --annotations FILE")
    lists = tuple(None if str(file) == "-" else file for file in options.split_files or ())
    fractions = bool(options.val_fraction or options.test_fraction)
    if fractions + bool(options.split_files) + (options.folds is not None) > 1:
        raise InputError("prepare folder: fractions, --split-files and --folds exclude each other")
    for option, share in (("--val-fraction", options.val_fraction), ("--test-fraction", options.test_fraction)):
        if not 0 <= share < 1:
            raise InputError(f"{option} {share}: not a share (0 or more, less than 1)")
    if lists and lists[0] is None:
        raise InputError("--split-files: the first is - (name at least the list of training images)")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", images.resolve().name) if options.name is None else options.name
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name):
        raise InputError(f"--name {name}: no plain name (letters, digits, '.', '_' and '-', as in my-photos)")
    division = folders.Division(options.val_fraction, options.test_fraction, lists, options.folds)
    table = class_table.load(options.classes) if options.classes else None
    roots = tuple(path for path in (images, options.masks, options.annotations, options.classes, *lists) if path)
    origin = folders.Origin(name, images, division, roots, options.pictures)
    if options.mending and (options.annotations or table is None):
        raise InputError("--nearest-color and --threshold mend masks (name them by --masks, and --classes)")
    if options.annotations:
        return folders.source_of_coco(origin, options.annotations, table)
    masks = _existing(options.masks, "--masks")
    if _holds_outlines(masks, images):
        return folders.source_of_labelme(origin, masks, table)
    if table is None:
        again = f"casnet prepare folder --masks {masks} --propose"
        raise InputError(f"masks need --classes FILE.toml ({again} writes one to edit)")
    check_mending(options.mending, table)
    return folders.source_of_masks(origin, masks, table, options.mending)


def _holds_outlines(masks: Path, images: Path) -> bool:
    """Whether a folder has more LabelMe files than masks; images in it are not taken for masks."""
    pictures = {
        file for file in files_below(masks, readable_endings(), once=False).values() if images not in file.parents
    }
    return len(files_below(masks, folders.OUTLINES, once=False)) > len(pictures)


def _existing(path: Path | None, option: str) -> Path:
    if path is None:
        raise InputError(f"prepare folder: {option} DIR is missing")
    if not path.is_dir():
        raise DataError(f"{option} {path}: no such folder")
    return path


def _propose(options: FolderOptions) -> Path:
    masks = _existing(options.masks, "--masks")
    target = options.classes or TABLE
    if target.exists():
        raise InputError(f"{target}: is there already (name another by --classes, or remove it)")
    files = list(files_below(masks, readable_endings(), left_out=(left_out := LeftOut())).values())
    console.notes(left_out.sentences())
    if not files:
        raise DataError(f"{masks}: holds no mask ({', '.join(readable_endings())})")
    proposal = class_proposal.propose(files)
    try:
        write_whole(target, proposal.text + "\n")
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {reason(error)}") from None
    console.result(proposal.text)
    for sentence in proposal.found:
        console.message(sentence)
    console.message(f"wrote {target}: name the classes in it, then casnet prepare folder --classes {target} …")
    return target
