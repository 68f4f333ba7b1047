"""casnet predict: folders of pictures become masks."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import Run

TILE = 65


class Further(StrEnum):
    """Files beside the mask; see `prediction.outputs.FURTHER`."""

    confidence = "confidence"
    probabilities = "probabilities"
    geojson = "geojson"
    coco = "coco"


Out = Annotated[Path | None, typer.Option(help="Default predictions/.", metavar="DIR")]
Tile = Annotated[
    int | None,
    typer.Option(
        min=TILE, help="Cut images into overlapping tiles of this side; default only large ones.", metavar="N"
    ),
]
Batch = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Most images asked about at once; default by size.", metavar="N")
]
Shard = Annotated[
    str | None, typer.Option(help="Do one share of the work: 1/8, 2/8, … on as many machines.", metavar="I/N")
]
Save = Annotated[
    list[Further] | None,
    typer.Option(help="Also write these (repeatable).", show_choices=True),
]
Fine = Annotated[
    Literal["auto", "always"], typer.Option(help="auto: leave the fine branch out where attention says easy.")
]
RejectBelow = Annotated[float | None, typer.Option(min=0, max=1, help="Less sure pixels become void.", metavar="P")]
TargetAccuracy = Annotated[
    float | None, typer.Option(min=0, max=1, help="Reject so that the rest is right so often.", metavar="A")
]
MaskValues = Annotated[
    str,
    typer.Option(help="What masks hold: ids (grey), palette, or a table of classes.", metavar="ids|palette|FILE.toml"),
]
Engine = Annotated[
    Literal["keras", "onnx", "litert"] | None,
    typer.Option(help="onnx, litert: the run's newest export, without Keras and TensorFlow; default by --run."),
]


def share_of(text: str | None) -> tuple[int, int] | None:
    """2/8 → (2, 8). Raises BadParameter."""
    if text is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text)
    if not found or int(found[1]) > int(found[2]):
        raise typer.BadParameter(f"{text}: no share (I/N with I from 1 to N, such as 1/8)", param_hint="--shard")
    return int(found[1]), int(found[2])


def command(
    path: Annotated[
        list[Path],
        typer.Argument(help="Folders, images or videos; - is one image from stdin.", metavar="PATH...", readable=False),
    ],
    run: Run = None,
    out: Out = None,
    tile: Tile = None,
    batch: Batch = None,
    shard: Shard = None,
    resume: Annotated[bool, typer.Option(help="Do only what is missing, failed or changed.")] = True,
    overlay: Annotated[bool, typer.Option(help="Also save the picture with the classes laid over.")] = True,
    save: Save = None,
    fine: Fine = "always",
    reject_below: RejectBelow = None,
    target_accuracy: TargetAccuracy = None,
    mask_values: MaskValues = "palette",
    engine: Engine = None,
    json: Annotated[
        str | None, typer.Option("--json", help="Write the summary for a program; - is stdout.", metavar="FILE")
    ] = None,
) -> None:
    """Label pictures: a mask, a difficulty map and an overlay for each, and a manifest."""
    if reject_below is not None and target_accuracy is not None:
        raise typer.BadParameter("--reject-below and --target-accuracy: both given (one of the two)")
    share = share_of(shard)
    from casnet_cli.workflows.predict.options import PredictOptions
    from casnet_cli.workflows.predict.session import predict

    wanted = PredictOptions(
        out,
        tile,
        batch,
        share,
        resume,
        overlay,
        tuple(save or ()),
        fine,
        reject_below,
        target_accuracy,
        mask_values,
        json,
        engine,
    )
    if predict(path, run, wanted):
        raise typer.Exit(1)
