"""What `casnet prepare` does: make a prepared file of a known data set, or of a folder of one's own."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from casnet_cli import console, paths
from casnet_cli.data import preparation, sources
from casnet_cli.data.classes import class_proposal
from casnet_cli.data.classes.class_lists import lists_near
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.data.sources.base import Source, files_below
from casnet_cli.data.splits import SPLITS
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.util.files import write_whole
from casnet_cli.util.text import count
from casnet_cli.workflows import adding
from casnet_cli.workflows.own_data import (
    FOLDER,
    NO_OPTIONS,
    TABLE,
    FolderOptions,
    existing,
    own_data,
    recognized,
)
from casnet_cli.workflows.own_folder import opened
from casnet_cli.workflows.project import OwnRequest, completed, keep, line_of, named


def run(
    dataset: str | None,
    source: Path | None,
    out: Path | None,
    data: Path | None = None,
    folder: FolderOptions = NO_OPTIONS,
    strict: bool = False,
    add: Path | None = None,
    project: Path | None = None,
) -> Path:
    """Prepare a data set and describe it.

    dataset: name of a known data set, a folder or archive to recognize, or `FOLDER` with its options; None: what the
    project file names. source: the raw data; None: found or downloaded. out: the file to write; None: in the folder
    `data`. strict: refuse data that are not those of the known copy. add: prepared file that one's own pictures are
    added to. project: the project file; None: `casnet.toml`.
    Returns the prepared file, or that of the proposed classes. Raises CasnetError.
    """
    request = OwnRequest(dataset, folder, out)
    request = replace(request, options=adding.options_with(folder, add)) if add else completed(request, project)
    dataset, folder = named(request, "prepare", "DATASET"), request.options
    if dataset == FOLDER or (dataset not in sources.SOURCES and Path(dataset).exists()):
        if source:
            raise InputError("--source: one's own data are named by --images and --masks or --annotations")
        if folder.propose and request.out:
            raise InputError("--out: the file of prepared data (--propose writes the classes to --classes FILE)")
        if dataset != FOLDER:
            return _prepare_path(Path(dataset), request, data or paths.DATA, strict)
        return _propose(folder) if folder.propose else _prepare_own(request, data, strict)
    if folder != NO_OPTIONS and dataset in sources.SOURCES:
        raise InputError(
            f"{dataset}: --images, --masks and their like are for one's own data (casnet prepare folder takes them)"
        )
    return _prepare(sources.find(dataset), source, request.out, data, strict)


def _prepare_path(path: Path, request: OwnRequest, data: Path, strict: bool) -> Path:
    """Prepare a folder, an archive or tables of pictures after it was recognized."""
    if path.suffix == ".h5":
        raise InputError(f"{path}: not a folder or an archive (what is prepared is taken by train, check and info)")
    scratch = data if data.is_dir() else Path(tempfile.gettempdir())
    with opened(path, scratch, request.options) as (root, options):
        if options.propose:
            return _propose(replace(options, root=root), path)
        source, layout = recognized(path, root, options)
        if layout is None:
            console.message(f"{path} is {source.name}, by its name or layout")
            return _prepare(source, path, request.out, data, strict)
        console.message(f"{path}: {layout.sentence}".replace(str(root), str(path)))
        prepared = _prepare(source, None, request.out, data, strict, options)
    keep(request, prepared)
    return prepared


def _prepare_own(request: OwnRequest, data: Path | None, strict: bool) -> Path:
    """Prepare folders or files that options name."""
    found = own_data(request.options)
    if found.source and found.layout.evidence:
        console.message(found.layout.sentence)
    prepared = _prepare(found.complete, None, request.out, data, strict, request.options)
    keep(request, prepared)
    return prepared


def _prepare(
    source: Source,
    given: Path | None,
    out: Path | None,
    data: Path | None,
    strict: bool,
    options: FolderOptions = NO_OPTIONS,
) -> Path:
    addition = adding.addition_of(source, options) if options.add else None
    if addition:
        source = addition.united()
        out = out or preparation.numbered(source, addition.old.path)
    with console.bar(source.name) as bar:
        prepared = preparation.prepare(
            source,
            data or paths.DATA,
            out,
            given,
            lambda step, done, total: bar.update(done, total, step),
            strict,
            console.message,
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
    for remark in (*prepared.remarks, *(addition.sentences() if addition else ())):
        console.message(remark)
    if len(alone := _trained_classes(store)) == 1:
        console.message(
            f"warning: every labelled pixel of train is {alone[0]}: nothing can be learnt of one class "
            "(if what is void is the ground, make it a class)"
        )
    if store.folds and store.group_of:
        sizes = [size for _, size in sorted(Counter(store.fold_of.values()).items())]
        console.message(f"folds of {', '.join(f'{size:,}' for size in sizes)} images: groups stay whole")
    console.message(f"prepared {prepared.path} from {prepared.source}")
    console.result(f"{store.name}: {counts}{folds}, {count(len(store.labels), 'class')}")
    return prepared.path


def _trained_classes(store: Store) -> list[str]:
    """Names of the classes that labels of training images have."""
    pixels = store.statistics()["split_class_pixels"][SPLITS.index("train")]
    return [name for name, number in zip(store.labels.names, pixels, strict=True) if number]


def _propose(options: FolderOptions, path: Path | None = None) -> Path:
    """Write a table of classes to edit. path: the folder or archive whose files lie in `options.root`."""

    def shown(text: str) -> str:
        return text.replace(str(options.root), str(path)) if path else text

    target = options.classes or Path(TABLE)
    if target.exists():
        raise InputError(f"{target}: is there already (name another by --classes, or remove it)")
    try:
        files, above = _masks(options)
        proposal = class_proposal.propose(files, lists_near(files, above))
    except DataError as error:
        raise DataError(*map(shown, error.faults)) from None
    try:
        write_whole(target, shown(proposal.text) + "\n")
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {reason(error)}") from None
    console.content(shown(proposal.text))
    for sentence in proposal.found:
        console.message(shown(sentence))
    again = line_of(OwnRequest(str(path) if path else FOLDER, replace(options, classes=target)))
    console.message(f"wrote {target}: name the classes in it, then {again}")
    return target


def _masks(options: FolderOptions) -> tuple[list[Path], Path]:
    """The masks by which classes are proposed: those of a folder of masks, or those recognized among the files; and the
    folder up to which lists of classes count."""
    if options.root is None and options.images is None and not options.pair:
        masks = existing(options.masks, "--masks")
        files = list(files_below(masks, readable_endings(), left_out=(left_out := LeftOut())).values())
        console.notes(left_out.sentences())
        if not files:
            raise DataError(f"{masks}: holds no mask ({', '.join(readable_endings())})")
        return files, masks.parent.parent
    layout = own_data(replace(options, classes=None)).layout
    if layout.evidence:
        console.message(layout.sentence)
    if layout.annotations or layout.outlines or any(one.parts for one in layout.pairs):
        raise InputError("--propose: for masks whose values are the classes (here names are: leave --classes out)")
    if not layout.masks:
        raise DataError("--propose: no picture has a mask")
    return layout.masks, options.root or layout.searched.parent.parent
