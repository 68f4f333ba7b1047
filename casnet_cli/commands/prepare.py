"""casnet prepare: a raw data set becomes one checked file."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import (
    Annotations,
    Bands,
    Classes,
    DataName,
    Folds,
    Images,
    Masks,
    NearestColor,
    NoData,
    Propose,
    Range,
    ResizeMasks,
    SplitFiles,
    TestFraction,
    Threshold,
    ValFraction,
)
from casnet_cli.data.sources import SOURCES


def command(
    dataset: Annotated[
        str,
        typer.Argument(
            help=f"{', '.join(SOURCES)}, or folder.",
            metavar="DATASET",
        ),
    ],
    source: Annotated[
        Path | None, typer.Option(help="Archive or folder; default one in data/ or here, else a download.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default data/NAME.h5.")] = None,
    strict: Annotated[bool, typer.Option(help="Refuse a copy that differs from the one casnet knows.")] = False,
    images: Images = None,
    masks: Masks = None,
    annotations: Annotations = None,
    classes: Classes = None,
    name: DataName = None,
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
    propose: Propose = False,
) -> None:
    """Turn a raw data set into data/NAME.h5, checked and counted."""
    from casnet_cli.workflows.prepare import FolderOptions, Mending, PictureOptions, run

    folder = FolderOptions(
        images=images,
        masks=masks,
        annotations=annotations,
        classes=classes,
        name=name,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        split_files=split_files,
        folds=folds,
        pictures=PictureOptions(range_, bands, nodata, resize_masks),
        mending=Mending(nearest_color, threshold),
        propose=propose,
    )
    run(dataset, source, out, folder=folder, strict=strict)
