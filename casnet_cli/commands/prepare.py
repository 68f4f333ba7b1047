"""casnet prepare: a raw data set becomes one checked file."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import (
    Add,
    Annotations,
    Bands,
    Boxes,
    Classes,
    DataName,
    Folds,
    GroupBy,
    Images,
    Masks,
    Missing,
    NearestColor,
    NoData,
    Pair,
    Project,
    Propose,
    Range,
    ResizeMasks,
    SplitFiles,
    TestFraction,
    Threshold,
    ValFraction,
)
from casnet_cli.data.sources import SOURCES

_DATASETS = (
    f"{', '.join(SOURCES)}; or a folder, archive or table of one's own; or folder, with the options below. "
    "Default what casnet.toml names."
)
DataSet = Annotated[str | None, typer.Argument(help=_DATASETS, metavar="DATASET")]
RawData = Annotated[Path | None, typer.Option(help="Archive or folder; default one in data/ or here, else a download.")]
Target = Annotated[Path | None, typer.Option(help="File to write; default data/NAME.h5.")]
Strict = Annotated[bool, typer.Option(help="Refuse a copy that differs from the one casnet knows.")]


EXAMPLES = (
    "casnet prepare sift-flow",
    "casnet prepare my-photos/",
    "casnet prepare folder --images photos --masks masks --propose",
    "casnet prepare",
    "casnet prepare folder --images photos --annotations coco.json",
)
"""For the help page."""


def command(
    dataset: DataSet = None,
    source: RawData = None,
    out: Target = None,
    strict: Strict = False,
    project: Project = None,
    images: Images = None,
    masks: Masks = None,
    annotations: Annotations = None,
    boxes: Boxes = None,
    classes: Classes = None,
    name: DataName = None,
    pair: Pair = None,
    missing: Missing = None,
    val_fraction: ValFraction = None,
    test_fraction: TestFraction = None,
    split_files: SplitFiles = None,
    folds: Folds = None,
    group_by: GroupBy = None,
    range_: Range = None,
    bands: Bands = None,
    nodata: NoData = None,
    resize_masks: ResizeMasks = False,
    nearest_color: NearestColor = None,
    threshold: Threshold = None,
    add: Add = None,
    propose: Propose = False,
) -> None:
    """Turn a raw data set into data/NAME.h5, checked and counted."""
    from casnet_cli.workflows.own_options import FolderOptions, Mending, PictureOptions
    from casnet_cli.workflows.prepare import run

    where = (images, masks, tuple(annotations or ()), boxes, classes, name, pair, missing)
    division = (val_fraction, test_fraction, split_files, folds, group_by)
    taken = (PictureOptions(range_, bands, nodata, resize_masks), Mending(nearest_color, threshold))
    folder = FolderOptions(None, *where, *division, *taken, propose)
    run(dataset, source, out, folder=folder, strict=strict, add=add, project=project)
