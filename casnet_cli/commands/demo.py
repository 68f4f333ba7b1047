"""casnet demo: the whole path on built-in scenes."""

from pathlib import Path
from typing import Annotated

import typer

from casnet_cli.commands.options import Overrides


def command(
    out: Annotated[Path, typer.Option(help="Holds data/, runs/ and predictions/.", metavar="DIR")] = Path(
        "casnet-demo"
    ),
    overrides: Overrides = None,
) -> None:
    """Prepare, train, evaluate and predict on built-in synthetic scenes, offline, in minutes."""
    run(out, overrides or [])


def run(out: Path, overrides: list[str]) -> None:
    """All four steps below `out`, then the pictures to open."""
    from casnet_cli import console, paths
    from casnet_cli.commands import evaluation_session, preparation_session, training_session
    from casnet_cli.commands.evaluation_session import Question
    from casnet_cli.commands.prediction_session import predict
    from casnet_cli.commands.prediction_wanted import Wanted
    from casnet_cli.commands.training_session import Request
    from casnet_cli.data.sources.demo import write_unlabelled
    from casnet_cli.recipe import find, load

    load(find("demo"), overrides)  # a mistake in --set shows before any work
    data = preparation_session.run("demo", None, out / "data" / "demo.h5", out / "data")
    request = Request("demo", data, paths.claim_run("demo", out / "runs"), overrides)
    folder = training_session.train(request)
    assert folder is not None  # only other requests than this write nothing
    figures = evaluation_session.evaluate_run(folder, Question(split="test"))
    write_unlabelled(out / "scenes")
    predict([out / "scenes"], folder, Wanted(out / "predictions"))
    pictures = sorted((figures / "pictures").glob("*.png"))
    overlays = sorted((out / "predictions").glob("*.overlay.jpg"))
    console.result("open these:")
    for picture in (figures / evaluation_session.REPORT, *pictures[:2], *overlays[:2]):
        console.result(f"  {picture}")
