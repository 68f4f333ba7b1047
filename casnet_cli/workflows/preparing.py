"""The work of `casnet prepare`: make a prepared file of a known data set, or of a folder of one's own."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from casnet_cli import console, paths
from casnet_cli.data import preparation
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
from casnet_cli.workflows.own_data import existing, own_data, recognized
from casnet_cli.workflows.own_folder import opened
from casnet_cli.workflows.own_options import FOLDER, NO_OPTIONS, TABLE, FolderOptions
from casnet_cli.workflows.project import OwnRequest, keep, line_of


def prepare_path(path: Path, request: OwnRequest, data: Path, strict: bool) -> Path:
    """Prepare a folder, an archive or tables of pictures after it was recognized."""
    if path.suffix == ".h5":
        raise InputError(f"{path}: not a folder or an archive (what is prepared is taken by train, check and info)")
    scratch = data if data.is_dir() else Path(tempfile.gettempdir())
    with opened(path, scratch, request.options) as (root, options):
        if options.propose:
            return propose(replace(options, root=root), path)
        source, layout = recognized(path, root, options)
        if layout is None:
            console.message(f"{path} is {source.name}, by its name or layout")
            return prepare(source, path, request.out, data, strict)
        console.message(f"{path}: {layout.sentence}".replace(str(root), str(path)))
        prepared = prepare(source, None, request.out, data, strict, options)
    keep(request, prepared)
    return prepared


def prepare_own(request: OwnRequest, data: Path | None, strict: bool) -> Path:
    """Prepare folders or files that options name."""
    found = own_data(request.options)
    if found.source and found.layout.evidence:
        console.message(found.layout.sentence)
    prepared = prepare(found.complete, None, request.out, data, strict, request.options)
    keep(request, prepared)
    return prepared


def prepare(
    source: Source,
    given: Path | None,
    out: Path | None,
    data: Path | None,
    strict: bool,
    options: FolderOptions = NO_OPTIONS,
) -> Path:
    """Prepare a source, and say what of it was prepared. given: its raw data; None: found or downloaded."""
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


def propose(options: FolderOptions, path: Path | None = None) -> Path:
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
