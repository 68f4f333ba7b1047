"""What `casnet demo` does: prepare, train, evaluate and predict on built-in scenes."""

from pathlib import Path

from casnet_cli import console


def run(out: Path, overrides: list[str]) -> None:
    """Do all four steps in the folder `out`, then list the pictures to open. Raises CasnetError."""
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
    claimed = locate.claim_run("demo", out / "runs")
    folder = train(TrainOptions(recipe="demo", data=data, run=claimed, overrides=overrides))
    assert folder is not None  # only --dry-run and --replay write nothing
    evaluation = evaluate_run(folder, EvaluateOptions(split="test"))
    write_unlabelled(out / "scenes")
    predict([out / "scenes"], folder, PredictOptions(out=out / "predictions"))
    pictures = sorted((evaluation / "pictures").glob("*.png"))
    overlays = sorted((out / "predictions").glob("*.overlay.jpg"))
    console.result("open these:")
    for picture in (evaluation / REPORT, *pictures[:2], *overlays[:2]):
        console.result(f"  {picture}")
