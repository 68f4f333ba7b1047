"""One's own data: from the options that describe them to the source that they become."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from casnet_cli.data import sources
from casnet_cli.data.classes import class_table
from casnet_cli.data.classes.class_lists import COLORS
from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.layouts import two_folders
from casnet_cli.data.layouts.division import Division
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.listed import split_lists
from casnet_cli.data.layouts.names import TOPS
from casnet_cli.data.layouts.pairing import missing_masks
from casnet_cli.data.layouts.pattern import by_pattern
from casnet_cli.data.layouts.recognition import recognize
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.masks.mending import check_mending
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.data.sources import folder as folders
from casnet_cli.data.sources.annotation_files import form_of
from casnet_cli.data.sources.annotation_names import AnnotationFile, annotation_files
from casnet_cli.data.sources.annotation_projects import source_of_projects
from casnet_cli.data.sources.base import Source, files_below
from casnet_cli.errors import CasnetError, DataError, InputError
from casnet_cli.workflows.own_options import TABLE, FolderOptions, default_name


@dataclass(frozen=True)
class OwnData:
    """One's own data, found and not yet read."""

    layout: Layout
    """What they are."""
    table: ClassTable | None
    """Their classes, if a table or the layout says them."""
    source: Source | None
    """Ready to prepare; None: masks without a table of classes."""

    @property
    def complete(self) -> Source:
        """The source. Raises InputError if the table of classes is missing, DataError if no picture has a mask."""
        if self.source is None:
            if self.layout.pairs and not any(one.label for one in self.layout.pairs):
                raise DataError(missing_masks(self.layout.pairs, self.layout.spare, self.layout.searched))
            found = f"{self.layout.sentence}; " if self.layout.evidence else ""
            how = "casnet prepare, with the same options and --propose, writes one"
            raise InputError(f"{found}masks need --classes FILE.toml ({how})")
        return self.source


def own_data(options: FolderOptions) -> OwnData:
    """What one's own data are. Raises InputError if options exclude each other, DataError."""
    division = _division(options)
    options = replace(options, images=_within(options, options.images), masks=_within(options, options.masks))
    left_out = LeftOut()
    layout, tree = layout_of(options, left_out)
    classes = _classes(options)
    table = class_table.load(classes) if classes else layout.table
    if table is None and options.labels:
        table = class_table.of_classes(options.labels, masks=not (layout.annotations or layout.outlines))
    images = options.root or options.images or layout.searched
    if division == Division(group_by=division.group_by) and tree and not layout.splits:
        division = replace(division, lists=_own_lists(tree, layout))
    files = (one.file for one in annotation_files(options.annotations))
    roots = (options.root,) if options.root else (images, options.masks, *files)
    own = (classes, *(options.split_files or ()))
    origin = folders.Origin(
        _name(options, images),
        images,
        division,
        tuple(dict.fromkeys(path for path in (*roots, *own) if path and str(path) != "-")),
        options.pictures,
        left_out=left_out,
        missing=options.missing,
        splits={} if options.divided else layout.splits,
        settings="".join(f" {text}" for text in (options.pair, options.missing, options.group_by) if text)
        + layout.settings,
    )
    return OwnData(layout, table, _source(options, origin, layout, table))


def _source(options: FolderOptions, origin: folders.Origin, layout: Layout, table: ClassTable | None) -> Source | None:
    outlined = bool(layout.annotations or layout.outlines)
    if options.mending and (outlined or table is None and not any(one.parts for one in layout.pairs)):
        raise InputError("--nearest-color and --threshold mend masks (name them by --masks, and --classes)")
    if options.missing and layout.outlines:
        raise InputError("--missing: for pictures without mask (annotations list what there is)")
    if options.boxes and not layout.annotations:
        raise InputError("--boxes: for annotations (name them by --annotations)")
    if layout.annotations:
        origin = replace(origin, images=layout.images or origin.images)
        return source_of_projects(origin, _annotations(options, layout), table, options.boxes)
    if layout.outlines:
        form = form_of(layout.outlines)
        if form is None:
            raise DataError(f"{layout.outlines}: holds no file of outlines")
        return form.source(replace(origin, images=layout.images or origin.images), layout.outlines, table)
    if table is None and not any(one.parts for one in layout.pairs):
        return None
    if table is not None:
        check_mending(options.mending, table)
    return folders.source_of_masks(origin, layout, table, options.mending)


def _annotations(options: FolderOptions, layout: Layout) -> tuple[AnnotationFile, ...]:
    """Annotation files with their splits; without, where other options divide the images. Raises InputError."""
    files = annotation_files(options.annotations or [str(file) for file in layout.annotations])
    if not options.divided:
        return files
    if any(one.stated for one in files):
        raise InputError("--annotations names splits (leave out fractions, --split-files, --folds and --add)")
    return tuple(replace(one, split=None) for one in files)


def layout_of(options: FolderOptions, left_out: LeftOut) -> tuple[Layout, Tree | None]:
    """What the data are by the options, else as recognized, and then the files. Raises InputError, DataError."""
    if options.masks and options.annotations:
        raise InputError("prepare folder: name either --masks DIR or --annotations FILE")
    images, masks = options.images, options.masks
    if options.annotations:
        where = existing(images or options.root, "--images")
        files = tuple(one.file for one in annotation_files(options.annotations))
        return Layout("", "", annotations=files, images=where), None
    if options.pair:
        pictures = existing(images or options.root or masks, "--images")
        trees = Tree.of(pictures, left_out), Tree.of(existing(masks or pictures, "--masks"), left_out)
        return by_pattern(*trees, options.pair), trees[0]
    if images and masks and images.resolve() != masks.resolve():
        existing(images, "--images"), existing(masks, "--masks")
        predicted = any(masks.glob("manifest*.jsonl"))
        if _holds_outlines(masks, images, predicted):
            evidence = f"the masks in {masks} are predictions" if predicted else ""
            return Layout("outlines of pictures", evidence, outlines=masks, images=images), None
        return two_folders.layout(images, masks, left_out), None
    if options.root and (images or masks):
        raise InputError("name both --images DIR and --masks DIR, or neither")
    root = existing(options.root or images, "--images")
    tree = Tree.of(root, left_out)
    return recognize(tree), tree


def _own_lists(tree: Tree, layout: Layout) -> tuple[Path | None, ...]:
    """Lists of splits in the folder, where sub-folders do not say them."""
    names = {one.name: one.image for one in layout.pairs}
    if any(name.partition("/")[0].lower() in TOPS for name in names if "/" in name):
        return ()
    return split_lists(tree, names)


def _division(options: FolderOptions) -> Division:
    lists = tuple(None if str(file) == "-" else file for file in options.split_files or ())
    fractions = bool(options.val_fraction or options.test_fraction)
    if fractions + bool(options.split_files) + (options.folds is not None) > 1:
        raise InputError("prepare folder: fractions, --split-files and --folds exclude each other")
    for option, share in (("--val-fraction", options.val_fraction), ("--test-fraction", options.test_fraction)):
        if share is not None and not 0 <= share < 1:
            raise InputError(f"{option} {share}: not a share (0 or more, less than 1)")
    if lists and lists[0] is None:
        raise InputError("--split-files: the first is - (name at least the list of training images)")
    if options.add:
        return Division(undivided=True)
    val, test = options.val_fraction or 0.0, options.test_fraction or 0.0
    return Division(val, test, lists, options.folds, group_by=options.group_by)


def _within(options: FolderOptions, path: Path | None) -> Path | None:
    """A folder as it was named, or below the folder that is to be recognized."""
    if path and options.root and not path.exists() and (options.root / path).exists():
        return options.root / path
    return path


def _classes(options: FolderOptions) -> Path | None:
    if options.classes or not options.root or not (options.root / TABLE).is_file():
        return options.classes
    return options.root / TABLE


def _name(options: FolderOptions, images: Path) -> str:
    """The name that was given, else that of the project's folder. Raises InputError if it is no plain one."""
    name = default_name(options.root or images) if options.name is None else options.name
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name):
        raise InputError(f"--name {name}: no plain name (letters, digits, '.', '_' and '-', as in my-photos)")
    return name


def existing(path: Path | None, option: str) -> Path:
    """A folder that is there. Raises InputError if none is named, DataError if there is none."""
    if path is None:
        raise InputError(f"prepare folder: {option} DIR is missing")
    if not path.is_dir():
        raise DataError(f"{option} {path}: no such folder")
    return path


def _holds_outlines(masks: Path, images: Path, predicted: bool) -> bool:
    """Whether a folder has more files of outlines than masks; images in it are not taken for masks, nor predictions."""
    found = () if predicted else files_below(masks, readable_endings(), once=False).values()
    return form_of(masks, len({file for file in found if images not in file.parents})) is not None


def recognized(path: Path, root: Path, options: FolderOptions) -> tuple[Source, Layout | None]:
    """What a folder or archive is: a known data set, whose layout is None then, or one's own.

    root: the folder, or where the archive is unpacked. In this order: by its official name and layout, unless a list of
    one's own classes lies there; one's own whose classes are known; a known data set by its layout; one's own that
    lacks a table of classes. With options it is one's own. Raises CasnetError.
    """
    known = [source for source in map(sources.find, sources.SOURCES) if source.folder] if not options.described else []
    official = [source for source in known if path.resolve().name in (source.folder, *source.archives)]
    if official and not (root / COLORS).is_file() and _is(official[0], root, some=False):
        return official[0], None
    failed: CasnetError | None = None
    try:
        found = own_data(replace(options, root=root, name=options.name or default_name(path)))
        if found.source:
            own = (path, *(one for one in found.source.roots if root not in (one, *one.parents)))
            return replace(found.source, roots=own), found.layout
    except CasnetError as error:
        failed = error
    for source in known:
        if source in official or _is(source, root):
            return source, None
    if failed:
        raise DataError(*(fault.replace(str(root), str(path)) for fault in failed.faults)) from None
    return found.complete, found.layout


def _is(source: Source, root: Path, some: bool = True) -> bool:
    """Whether a folder has the layout of a known data set. some: and an image with its label."""
    try:
        return not all(entry.fault for entry in source.entries(root)) or not some
    except CasnetError:
        return False
