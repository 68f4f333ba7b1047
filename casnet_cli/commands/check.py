"""casnet check: what is wrong with a data set, and how to mend it."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import (
    Annotations,
    Bands,
    Boxes,
    Classes,
    Folds,
    GroupBy,
    Images,
    Json,
    Masks,
    Missing,
    NearestColor,
    NoData,
    Pair,
    Project,
    Range,
    ResizeMasks,
    SplitFiles,
    TestFraction,
    Threshold,
    ValFraction,
)

_DATA = (
    "Prepared file; folder, archive, table or name of a known set; or folder, with the options below. Default what "
    "casnet.toml names."
)
Data = Annotated[str | None, typer.Argument(help=_DATA, metavar="DATA")]
Page = Annotated[
    Path | None, typer.Option("--out", help="Write check.html here: findings, histograms, examples.", metavar="DIR")
]


EXAMPLES = (
    "casnet check my-photos/",
    "casnet check",
    "casnet check data/my-photos.h5 --out report/",
)
"""For the help page."""


def command(
    data: Data = None,
    out: Page = None,
    json: Json = None,
    project: Project = None,
    images: Images = None,
    masks: Masks = None,
    annotations: Annotations = None,
    boxes: Boxes = None,
    classes: Classes = None,
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
) -> None:
    """Check every image and label of a data set: list what is wrong and how to mend it. Exit 1 if something is."""
    from casnet_cli.workflows.check import run
    from casnet_cli.workflows.own_options import FolderOptions, Mending, PictureOptions

    folder = FolderOptions(
        images=images,
        masks=masks,
        annotations=tuple(annotations or ()),
        boxes=boxes,
        classes=classes,
        pair=pair,
        missing=missing,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        split_files=split_files,
        folds=folds,
        group_by=group_by,
        pictures=PictureOptions(range_, bands, nodata, resize_masks),
        mending=Mending(nearest_color, threshold),
    )
    if not run(data, folder, out=out, json=json, project=project):
        raise typer.Exit(1)
