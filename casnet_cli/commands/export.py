"""casnet export: a run becomes a file that other programs run, proved equal."""

from enum import StrEnum
from typing import Annotated, Literal

import typer

from casnet_cli.commands.bench import size_of
from casnet_cli.commands.options import DataFile, Run
from casnet_cli.export.formats import FORMATS

FormatChoice = StrEnum("FormatChoice", [*FORMATS])  # type: ignore[misc]
"""The formats, from their table."""

ONNX = FormatChoice("onnx")


EXAMPLES = (
    "casnet export",
    "casnet export --format litert --precision int8 --size 320x320",
)
"""For the help page."""


def command(
    run: Run = None,
    data: DataFile = None,
    format: Annotated[FormatChoice, typer.Option(help="What will run it; litert is an extra.")] = ONNX,
    precision: Annotated[
        Literal["float32", "float16", "int8"],
        typer.Option(help="float16: weights of half the size. int8: convolutions in integers, calibrated."),
    ] = "float32",
    size: Annotated[str, typer.Option(help="Size of the images it takes, or any.", metavar="HxW|any")] = "any",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="It also gives the probability of every class.")
    ] = False,
    two_files: Annotated[
        bool, typer.Option("--two-files", help="onnx: coarse.onnx for all images, fine.onnx where it is needed.")
    ] = False,
) -> None:
    """Write a run as a file for other programs, and prove on real images that it predicts the same."""
    fixed_size = None if size == "any" else size_of(size)
    from casnet_cli.workflows.export import ExportOptions, export

    options = ExportOptions(
        format=format.value, precision=precision, size=fixed_size, probabilities=probabilities, two_files=two_files
    )
    if not export(run, data, options):
        raise typer.Exit(1)
