"""casnet serve: a page on this machine that labels the pictures dropped on it."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = (
    "casnet serve",
    "casnet serve runs/my-photos-001 --port 8080",
    "curl --data-binary @photo.jpg http://127.0.0.1:8000/predict",
)
"""For the help page."""


def command(
    run: Annotated[
        Path | None,
        typer.Argument(help="Run folder, checkpoint or exported file; default the newest run in runs/.", metavar="RUN"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0: other machines may use it too.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0: a free one.")] = 8000,
) -> None:
    """Open a local page that labels the pictures dropped on it, and answer POST /predict for programs."""
    from casnet_cli.workflows.serve import serve

    serve(run, host, port)
