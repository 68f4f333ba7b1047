"""What `casnet prepare` does: a source by its name, or one's own data by the options, becomes a file."""

import re
from dataclasses import dataclass
from pathlib import Path

from casnet_cli import console, paths
from casnet_cli.data import preparation, sources
from casnet_cli.data.annotations import class_proposal, class_table
from casnet_cli.data.sources import folder
from casnet_cli.data.sources.base import Source, files_below
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.util.files import write_whole

FOLDER = "folder"
TABLE = Path("classes.toml")


@dataclass(frozen=True)
class FolderOptions:
    """The options of `casnet prepare folder`."""

    images: Path | None = None
    masks: Path | None = None
    annotations: Path | None = None
    classes: Path | None = None
    name: str | None = None
    val_fraction: float = 0.0
    test_fraction: float = 0.0
    split_files: tuple[Path, Path, Path] | None = None
    folds: int | None = None
    propose: bool = False


def run(
    dataset: str,
    source: Path | None,
    out: Path | None,
    data: Path | None = None,
    own: FolderOptions = FolderOptions(),
    strict: bool = False,
) -> Path:
    """Prepare `dataset` and describe it. Returns the file, or that of the proposed classes. Raises CasnetError."""
    if dataset != FOLDER:
        if own != FolderOptions():
            raise InputError(f"{dataset}: --images, --masks and their like are for one's own data (prepare folder)")
        return _prepare(sources.find(dataset), source, out, data, strict)
    if own.propose:
        if out:
            raise InputError("--out: the file of prepared data (--propose writes the classes to --classes FILE)")
        return _propose(own)
    if source:
        raise InputError("--source: one's own data are named by --images and --masks or --annotations")
    return _prepare(folder_source(own), None, out, data, strict)


def _prepare(source: Source, given: Path | None, out: Path | None, data: Path | None, strict: bool) -> Path:
    with console.bar(source.name) as bar:
        prepared = preparation.prepare(
            source, data or paths.DATA, out, given, lambda doing, done, total: bar.update(done, total, doing), strict
        )
    if prepared.foreign:
        what = f"{', '.join(prepared.foreign)} are not those of the copy that casnet knows"
        console.say(f"warning: {prepared.source}: {what} (figures may differ from published ones; --strict refuses)")
    if prepared.unchanged:
        console.say(f"{prepared.path} is up to date with {prepared.source}")
        return prepared.path
    store = Store(prepared.path)
    counts = ", ".join(f"{len(names)} {split}" for split, names in store.names.items())
    folds = f", {store.folds} folds" if store.folds else ""
    console.say(f"prepared {prepared.path} from {prepared.source}")
    console.result(f"{store.name}: {counts}{folds}, {len(store.labels)} classes")
    return prepared.path


def folder_source(own: FolderOptions) -> Source:
    """The source of one's own data. Raises InputError if options lack or exclude each other, DataError."""
    images = _folder(own.images, "--images")
    if (own.masks is None) == (own.annotations is None):
        raise InputError("prepare folder: name either --masks DIR or --annotations FILE")
    lists = tuple(None if str(file) == "-" else file for file in own.split_files or ())
    if sum((bool(own.val_fraction or own.test_fraction), bool(own.split_files), own.folds is not None)) > 1:
        raise InputError("prepare folder: fractions, --split-files and --folds exclude each other")
    for option, share in (("--val-fraction", own.val_fraction), ("--test-fraction", own.test_fraction)):
        if not 0 <= share < 1:
            raise InputError(f"{option} {share}: not a share (0 or more, less than 1)")
    if lists and lists[0] is None:
        raise InputError("--split-files: the first is - (name at least the list of training images)")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", images.resolve().name) if own.name is None else own.name
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name):
        raise InputError(f"--name {name}: no plain name (letters, digits, '.', '_' and '-', as in my-photos)")
    division = folder.Division(own.val_fraction, own.test_fraction, lists, own.folds)
    table = class_table.load(own.classes) if own.classes else None
    roots = tuple(path for path in (images, own.masks, own.annotations, own.classes, *lists) if path)
    origin = folder.Origin(name, images, division, roots)
    if own.annotations:
        return folder.source_of_coco(origin, own.annotations, table)
    masks = _folder(own.masks, "--masks")
    if _holds_outlines(masks, images):
        return folder.source_of_labelme(origin, masks, table)
    if table is None:
        again = f"casnet prepare folder --masks {masks} --propose"
        raise InputError(f"prepare folder: masks need --classes FILE.toml ({again} writes one to edit)")
    return folder.source_of_masks(origin, masks, table)


def _holds_outlines(masks: Path, images: Path) -> bool:
    """Whether there are more LabelMe files than masks; what lies beside its images may be either."""
    pictures = {file for file in files_below(masks, folder.MASKS, once=False).values() if images not in file.parents}
    return len(files_below(masks, folder.OUTLINES, once=False)) > len(pictures)


def _folder(given: Path | None, option: str) -> Path:
    if given is None:
        raise InputError(f"prepare folder: {option} DIR is missing")
    if not given.is_dir():
        raise DataError(f"{option} {given}: no such folder")
    return given


def _propose(own: FolderOptions) -> Path:
    masks = _folder(own.masks, "--masks")
    target = own.classes or TABLE
    if target.exists():
        raise InputError(f"{target}: is there already (name another by --classes, or remove it)")
    files = list(files_below(masks, folder.MASKS).values())
    if not files:
        raise DataError(f"{masks}: holds no mask ({', '.join(folder.MASKS)})")
    text = class_proposal.propose(files)
    try:
        write_whole(target, text + "\n")
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {reason(error)}") from None
    console.result(text)
    console.say(f"wrote {target}: name the classes in it, then casnet prepare folder --classes {target} …")
    return target
