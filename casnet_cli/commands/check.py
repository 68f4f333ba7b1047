"""casnet check: what is wrong with a data set, and how to mend it."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import (
    Annotations,
    Bands,
    Classes,
    Folds,
    Images,
    Json,
    Masks,
    NearestColor,
    NoData,
    Range,
    ResizeMasks,
    SplitFiles,
    TestFraction,
    Threshold,
    ValFraction,
)


def command(
    data: Annotated[
        str,
        typer.Argument(
            help="Prepared file; raw folder, archive or name of a known set; or folder, with the options below.",
            metavar="DATA",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write check.html here: findings, histograms, examples.", metavar="DIR")
    ] = None,
    json: Json = None,
    images: Images = None,
    masks: Masks = None,
    annotations: Annotations = None,
    classes: Classes = None,
    val_fraction: ValFraction = 0.0,
    test_fraction: TestFraction = 0.0,
    split_files: SplitFiles = None,
    folds: Folds = None,
    range_: Range = None,
    bands: Bands = None,
    nodata: NoData = None,
    resize_masks: ResizeMasks = False,
    nearest_color: NearestColor = None,
    threshold: Threshold = None,
) -> None:
    """Check every image and label of a data set: list what is wrong and how to mend it. Exit 1 if something is."""
    from casnet_cli.workflows.check import run
    from casnet_cli.workflows.prepare import FolderOptions, Mending, PictureOptions

    folder = FolderOptions(
        images=images,
        masks=masks,
        annotations=annotations,
        classes=classes,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        split_files=split_files,
        folds=folds,
        pictures=PictureOptions(range_, bands, nodata, resize_masks),
        mending=Mending(nearest_color, threshold),
    )
    if not run(data, folder, out=out, json=json):
        raise typer.Exit(1)
