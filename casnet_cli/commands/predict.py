"""casnet predict: folders of pictures become masks."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import Run
from casnet_cli.export.formats import engines
from casnet_cli.prediction.output_kinds import outlined, save_choices

SMALLEST_TILE = 65
"""Side in pixels."""

SaveChoice = StrEnum("SaveChoice", save_choices())  # type: ignore[misc]
"""Kinds of outputs that `--save` adds, from the table of all kinds."""

Out = Annotated[Path | None, typer.Option(help="Default predictions/.", metavar="DIR")]
Tile = Annotated[
    int | None,
    typer.Option(
        min=SMALLEST_TILE, help="Cut images into overlapping tiles of this side; default only large ones.", metavar="N"
    ),
]
Batch = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Largest number of images in a batch; default by size.", metavar="N")
]
Shard = Annotated[
    str | None, typer.Option(help="Do one share of the work: 1/8, 2/8, … on as many machines.", metavar="I/N")
]
Save = Annotated[
    list[SaveChoice] | None,
    typer.Option(help="Also write these (repeatable); the last ones are one file for all pictures.", show_choices=True),
]
Simplify = Annotated[
    float,
    typer.Option(
        min=0, max=1000, help="How far outlines may lie from the sides of pixels; 0: exact.", metavar="PIXELS"
    ),
]
Fine = Annotated[
    Literal["auto", "always"],
    typer.Option(help="auto: leave the fine branch out where attention shows that an image is easy."),
]
RejectBelow = Annotated[
    float | None, typer.Option(min=0, max=1, help="Pixels of a lower confidence become void.", metavar="P")
]
TargetAccuracy = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Make pixels void so that this share of the others is right.", metavar="A"),
]
MaskValues = Annotated[
    str,
    typer.Option(help="What masks hold: ids (grey), palette, or a table of classes.", metavar="ids|palette|FILE.toml"),
]
Geojson = Annotated[
    Literal["pixels", "crs"] | None,
    typer.Option(help="Coordinates of --save geojson; default crs, the picture's own, for one that lies on a map."),
]
EngineChoice = StrEnum("EngineChoice", ["auto", "keras", *engines()])  # type: ignore[misc]
"""The faster one for the run, Keras, and the engines of exported files from the table of formats."""

Engine = Annotated[
    EngineChoice | None,
    typer.Option(
        help="auto: whichever of ONNX Runtime and Keras is faster with this run; onnx, litert: the run's newest "
        "export; default by --run, or what CASNET_ENGINE says."
    ),
]

Json = Annotated[
    str | None, typer.Option("--json", help="Write the summary for a program; - is stdout.", metavar="FILE")
]


def share_of(text: str | None) -> tuple[int, int] | None:
    """2/8 → (2, 8). Raises BadParameter."""
    if text is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text)
    if not found or int(found[1]) > int(found[2]):
        raise typer.BadParameter(f"{text}: no share (I/N with I from 1 to N, such as 1/8)", param_hint="--shard")
    return int(found[1]), int(found[2])


def check_together(
    reject_below: float | None,
    target_accuracy: float | None,
    geojson: str | None,
    simplify: float,
    save: list[SaveChoice] | None,
) -> None:
    """Raises BadParameter for options that exclude or need each other."""
    if reject_below is not None and target_accuracy is not None:
        raise typer.BadParameter("--reject-below and --target-accuracy: both given (one of the two)")
    if geojson and "geojson" not in (save or ()):
        raise typer.BadParameter("--geojson: only with --save geojson")
    if simplify and not set(outlined()) & set(save or ()):
        raise typer.BadParameter(f"--simplify: only with --save {', '.join(outlined())}")


EXAMPLES = (
    "casnet predict photos/",
    "casnet predict photos/ --run runs/my-photos-001 --out labelled/",
    "casnet predict photos/ --save coco --no-difficulty",
    "casnet predict - < photo.jpg",
)
"""For the help page."""


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
    difficulty: Annotated[bool, typer.Option(help="Also save maps of the difficulty.")] = True,
    save: Save = None,
    simplify: Simplify = 0.0,
    fine: Fine = "always",
    reject_below: RejectBelow = None,
    target_accuracy: TargetAccuracy = None,
    mask_values: MaskValues = "palette",
    geojson: Geojson = None,
    engine: Engine = None,
    json: Json = None,
) -> None:
    """Label pictures: a mask, a difficulty map and an overlay for each, and a manifest."""
    check_together(reject_below, target_accuracy, geojson, simplify, save)
    share = share_of(shard)
    from casnet_cli.workflows.predict.options import PredictOptions
    from casnet_cli.workflows.predict.session import predict

    options = PredictOptions(
        out=out,
        tile=tile,
        batch=batch,
        share=share,
        resume=resume,
        overlay=overlay,
        difficulty=difficulty,
        simplify=simplify,
        save=tuple(save or ()),
        fine=fine,
        reject_below=reject_below,
        target_accuracy=target_accuracy,
        mask_values=mask_values,
        geojson=geojson,
        json=json,
        engine=engine and engine.value,
    )
    if predict(path, run, options):
        raise typer.Exit(1)
