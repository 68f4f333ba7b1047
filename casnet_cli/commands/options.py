"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Run = Annotated[
    Path | None, typer.Option("--run", help="Run folder or checkpoint; default the newest run in runs/.", metavar="RUN")
]
DataFile = Annotated[
    Path | None, typer.Option("--data", help="Prepared data set; default the run's own.", metavar="FILE")
]
Fold = Annotated[int | None, typer.Option(help="Fold of a cross-validated set, from 1.", metavar="N")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="Change a recipe setting (repeatable).", metavar="SECTION.KEY=VALUE")
]
Tta = Annotated[
    Literal["none", "flip", "multiscale"],
    typer.Option(help="Average over mirrored images, or over four scales and mirrored: 2 and 8 passes."),
]
Recipe = Annotated[
    str | None, typer.Argument(help="Recipe name or file; default by data and machine.", metavar="RECIPE")
]
TrainingData = Annotated[Path | None, typer.Option("--data", help="Prepared data set.", metavar="FILE")]
RunFolder = Annotated[Path | None, typer.Option("--run", help="Folder to write; default in runs/.", metavar="DIR")]
Review = Annotated[
    bool, typer.Option("--review", help="Decide on the list on a local page; it is made first where there is none.")
]
ReviewPort = Annotated[int, typer.Option("--port", min=0, max=65535, help="Of the page of --review; 0: a free one.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue, or start if it has not begun.")]
Init = Annotated[Path | None, typer.Option(help="Fine-tune: begin with the weights of another run.", metavar="RUN")]
Strategy = Annotated[
    Literal["auto", "single", "mirrored", "multi-worker"],
    typer.Option(help="One device, all of this machine, or several processes; auto: by the machine."),
]
MaxTime = Annotated[
    str | None,
    typer.Option(help="Save and stop (exit 130) before so long: 3h55m, 02:30:00, minutes.", metavar="TIME"),
]
Project = Annotated[
    Path | None,
    typer.Option("--project", help="Project file of one's own data; default casnet.toml here.", metavar="FILE.toml"),
]
OWN = "One's own data (folder)"


def _own(text: str, *names: str, **more: str) -> typer.models.OptionInfo:
    return typer.Option(*names, help=text, rich_help_panel=OWN, **more)  # type: ignore[arg-type]


Images = Annotated[Path | None, _own("Folder of images; of a table of pictures its column.", metavar="DIR")]
Masks = Annotated[
    Path | None, _own("Folder of masks, or of annotations with a file a picture; of a table its column.", metavar="DIR")
]
Annotations = Annotated[
    list[str] | None,
    _own(
        "Annotations of many pictures, as COCO's, in place of masks; several with splits: train=FILE, val=FILE.",
        "--annotations",
        metavar="FILE",
    ),
]
Boxes = Annotated[
    Literal["draw", "skip"] | None, _own("What becomes of annotated boxes without outline; default an error.")
]
Classes = Annotated[Path | None, _own("Table of classes; prepare folder --propose writes one.", metavar="FILE.toml")]
DataName = Annotated[str | None, _own("Name of the data set; default that of the project's folder.")]
Pair = Annotated[
    str | None,
    _own(
        "Which mask belongs to which image, by their names: {stem} is what both have in common, * any text.",
        "--pair",
        metavar="IMAGE:MASK",
    ),
]
Missing = Annotated[
    Literal["background", "void", "skip"] | None, _own("What becomes of images without mask; default an error.")
]
GroupBy = Annotated[
    str | None,
    _own(
        "Keep images of a patient, scene or film in one split and fold: a regular expression, or a text with {group}.",
        "--group-by",
        metavar="PATTERN",
    ),
]
ValFraction = Annotated[float | None, _own("Share of images for validation.")]
TestFraction = Annotated[float | None, _own("Share of images for tests.")]
SplitFiles = Annotated[
    tuple[Path, Path, Path] | None, _own("Lists of image names; - for none.", metavar="TRAIN VAL TEST")
]
Folds = Annotated[int | None, _own("Cross-validate in so many folds.")]
Add = Annotated[
    Path | None,
    _own("Prepared file: its images and these become a new file; known ones get their new label.", metavar="FILE.h5"),
]
Propose = Annotated[bool, _own("Only read the masks and write a table of classes to edit.")]
Range = Annotated[
    str | None,
    _own(
        "Stored values that become 0 and 255: LOW:HIGH (LOW:HIGH,… one a band); auto: robust percentiles of the "
        "training images; dtype: all that the type holds. Default: dtype for images of 8 bits, else auto.",
        "--range",
        metavar="LOW:HIGH|auto|dtype",
    ),
]
Bands = Annotated[str | None, _own("Bands to take, by number from 1 or by name.", metavar="1,2,3|NAMES")]
NoData = Annotated[
    float | None, _own("Value that means no data: void in labels. Default the files' tag; nan: none.", metavar="V")
]
ResizeMasks = Annotated[bool, _own("Fit masks to images larger or smaller by one factor, by the nearest pixel.")]
NearestColor = Annotated[
    int | None,
    _own(
        "Mend blended colour masks: a colour of no class becomes the nearest one, at most D away in each channel.",
        "--nearest-color",
        metavar="D",
    ),
]
Threshold = Annotated[
    float | None,
    _own("Mend blended black-and-white masks: the object from the grey value T on, else the background.", metavar="T"),
]
Faster = Annotated[
    Literal["auto", "keras"] | None,
    typer.Option(
        "--engine",
        help="What predicts: auto, whichever of ONNX Runtime and Keras is faster with this run; default auto, or what "
        "CASNET_ENGINE says.",
    ),
]
Json = Annotated[
    str | None, typer.Option("--json", help="Write the result for a program; - is stdout.", metavar="FILE")
]
