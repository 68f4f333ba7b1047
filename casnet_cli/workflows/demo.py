"""The whole path on built-in scenes: prepare, train, eval, predict."""

from pathlib import Path


def run(out: Path, overrides: list[str]) -> None:
    """All four steps below `out`, then the pictures to open."""
    from casnet_cli import console
    from casnet_cli.data.sources.demo import write_unlabelled
    from casnet_cli.recipe import find, load
    from casnet_cli.runs import locate
    from casnet_cli.workflows import prepare
    from casnet_cli.workflows.evaluate.files import REPORT
    from casnet_cli.workflows.evaluate.session import EvaluateOptions, evaluate_run
    from casnet_cli.workflows.predict.options import PredictOptions
    from casnet_cli.workflows.predict.session import predict
    from casnet_cli.workflows.train.session import TrainOptions, train

    load(find("demo"), overrides)  # a mistake in --set shows before any work
    data = prepare.run("demo", None, out / "data" / "demo.h5", out / "data")
    request = TrainOptions("demo", data, locate.claim_run("demo", out / "runs"), overrides)
    folder = train(request)
    assert folder is not None  # only other requests than this write nothing
    figures = evaluate_run(folder, EvaluateOptions(split="test"))
    write_unlabelled(out / "scenes")
    predict([out / "scenes"], folder, PredictOptions(out / "predictions"))
    pictures = sorted((figures / "pictures").glob("*.png"))
    overlays = sorted((out / "predictions").glob("*.overlay.jpg"))
    console.result("open these:")
    for picture in (figures / REPORT, *pictures[:2], *overlays[:2]):
        console.result(f"  {picture}")
