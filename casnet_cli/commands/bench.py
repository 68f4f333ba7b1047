"""casnet bench: how fast a network is on this machine, and what it needs."""

import re
from enum import StrEnum
from typing import Annotated, Literal

import typer

from casnet_cli.commands.options import DataFile, Json, Overrides, Run
from casnet_cli.export.formats import FORMATS

EngineChoice = StrEnum("EngineChoice", ["keras", *FORMATS, "all"])  # type: ignore[misc]
"""Keras, and the export formats from their table."""

LARGEST = 8192
"""Side of an image in pixels."""


def size_of(text: str) -> tuple[int, int]:
    """Height and width: 240x320 → (240, 320). Raises BadParameter."""
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if not found or max(map(int, found.groups())) > LARGEST:
        wrong = f"{text}: no size of an image (HEIGHTxWIDTH, each 1 to {LARGEST}, such as 240x320)"
        raise typer.BadParameter(wrong, param_hint="--size")
    return int(found[1]), int(found[2])


EXAMPLES = (
    "casnet bench",
    "casnet bench --recipe sift-flow --size 321x321 --only forward",
)
"""For the help page."""


def command(
    run: Run = None,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe to measure in place of a run.", metavar="NAME_OR_FILE")
    ] = None,
    overrides: Overrides = None,
    data: DataFile = None,
    size: Annotated[
        str | None, typer.Option(help="Image of the forward pass; default the recipe's crop.", metavar="HxW")
    ] = None,
    only: Annotated[
        Literal["forward", "train", "input", "predict"] | None,
        typer.Option(help="Measure only this; default all that can be measured."),
    ] = None,
    engine: Annotated[
        EngineChoice | None,
        typer.Option(help="Compare the run's exports with Keras, in place of all else."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Smallest number of timings for a median.")] = 5,
    json: Json = None,
) -> None:
    """Measure speed, memory and operations of a run or a recipe on this machine; by default of the newest run."""
    if run and recipe is not None:
        raise typer.BadParameter("--run and --recipe: both named (one of the two)")
    if engine and (only or recipe is not None):
        raise typer.BadParameter("--engine: compares the exports of a run (not with --recipe or --only)")
    from casnet_cli.workflows.bench.session import BenchOptions, bench

    options = BenchOptions(
        run=run,
        recipe=recipe,
        overrides=overrides or [],
        data=data,
        size=None if size is None else size_of(size),
        only=only,
        engine=engine and engine.value,
        repeats=repeats,
        json=json,
    )
    bench(options)
