"""casnet prepare: a raw data set becomes one checked file."""

from pathlib import Path
from typing import Annotated

import typer

OWN = "One's own data (DATASET is folder)"


def _own(text: str, **more: str) -> typer.models.OptionInfo:
    return typer.Option(help=text, rich_help_panel=OWN, **more)  # type: ignore[arg-type]


def command(
    dataset: Annotated[
        str,
        typer.Argument(
            help="sift-flow, stanford-background, camvid, demo, voc2012, ade20k, cityscapes, or folder.",
            metavar="DATASET",
        ),
    ],
    source: Annotated[
        Path | None, typer.Option(help="Archive or folder; else looked for in data/ and here, else downloaded.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default data/NAME.h5.")] = None,
    images: Annotated[Path | None, _own("Folder of images.", metavar="DIR")] = None,
    masks: Annotated[Path | None, _own("Folder of masks, or of LabelMe's JSON files.", metavar="DIR")] = None,
    annotations: Annotated[Path | None, _own("COCO's JSON file, in place of masks.", metavar="FILE")] = None,
    classes: Annotated[Path | None, _own("Table of classes; --propose writes one.", metavar="FILE.toml")] = None,
    name: Annotated[str | None, _own("Name of the data set; default that of the folder of images.")] = None,
    val_fraction: Annotated[float, _own("Share of images for validation.")] = 0.0,
    test_fraction: Annotated[float, _own("Share of images for tests.")] = 0.0,
    split_files: Annotated[
        tuple[Path, Path, Path] | None, _own("Lists of image names; - for none.", metavar="TRAIN VAL TEST")
    ] = None,
    folds: Annotated[int | None, _own("Cross-validate in so many folds.")] = None,
    propose: Annotated[bool, _own("Only look at the masks and write a table of classes to edit.")] = False,
) -> None:
    """Turn a raw data set into data/NAME.h5, checked and counted."""
    from casnet_cli.commands.preparation_session import OwnData, run

    own = OwnData(images, masks, annotations, classes, name, val_fraction, test_fraction, split_files, folds, propose)
    run(dataset, source, out, own=own)
