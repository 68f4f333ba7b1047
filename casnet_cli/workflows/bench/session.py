"""What `casnet bench` does: find what to measure, measure it, and show the figures."""

from pathlib import Path
from typing import Any

from casnet_cli import console
from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.runs import locate
from casnet_cli.util.text import percent
from casnet_cli.workflows.bench import target
from casnet_cli.workflows.bench.target import BenchTarget


def bench(
    run: Path | None,
    recipe: str | None,
    overrides: list[str],
    data: Path | None,
    size: tuple[int, int] | None,
    only: str | None,
    engine: str | None,
    repeats: int,
    json: str | None,
) -> None:
    """Measure and show. engine: of the exports to compare, in place of the rest. Raises RecipeError, RunError,
    DataError, InputError or EngineError."""
    if json and not Path(json).absolute().parent.is_dir():
        raise InputError(f"{json}: cannot be written: no such folder")
    subject = target.find(run, recipe, overrides, data)
    size = size or (subject.recipe.augmentation.crop,) * 2
    if engine:
        _compare_engines(subject, size, engine, repeats, json)
        return
    wanted = _wanted(subject, only)
    from casnet_cli.workflows.bench.timing import Bench

    console.message(f"measuring {', '.join(wanted)} of {subject.title}")
    answer = Bench(subject, size, wanted, repeats).measure()
    if json:
        console.write_json(answer, json)
    if json != "-":
        show(subject, size, answer)


def _compare_engines(subject: BenchTarget, size: tuple[int, int], engine: str, repeats: int, json: str | None) -> None:
    from casnet_cli.workflows.bench import engines

    rows = engines.engines(subject, engine, size, repeats)
    if json:
        console.write_json({"engines": rows}, json)
    if json != "-":
        engines.show(subject.title, size, rows)


def _wanted(subject: BenchTarget, only: str | None) -> list[str]:
    """What to measure: `only`, or all that can be. Raises DataError if `only` cannot."""
    obstacles = {what: subject.obstacle(what) for what in ("input", "predict")}
    if only:
        if obstacles.get(only):
            raise DataError(f"--only {only}: {obstacles[only]}")
        return [only]
    for what, why in obstacles.items():
        if why:
            console.message(f"{what} not measured: {why}")
    return ["forward", "train", *(what for what, why in obstacles.items() if not why)]


def show(subject: BenchTarget, size: tuple[int, int], answer: dict[str, Any]) -> None:
    """The figures and the operations by part as tables."""
    crop, training = subject.recipe.augmentation.crop, subject.recipe.training
    timed = "a step" if answer["train_step_seconds"] else "a forward pass"
    rows = (
        (f"forward pass of an image of {size[0]}x{size[1]}", "forward_seconds", _seconds),
        ("the same, images a second", "images_per_second", "{:.3g} /s".format),
        (f"training step on {training.batch_size} images of {crop}x{crop}", "train_step_seconds", _seconds),
        ("the same, images a second", "train_images_per_second", "{:.3g} /s".format),
        ("step that reads its batch, by one whose batch is there", "input_ratio", "{:.3f}".format),
        ("images a second of casnet predict, by those of the network", "end_to_end_ratio", "{:.3f}".format),
        (f"product of two matrices in {training.precision}", "matmul_gflops", "{:.1f} GFLOP/s".format),
        (f"share of that rate which {timed} reaches", "share_of_matmul_rate", "{:.1%}".format),
        ("largest memory of this process", "peak_rss_bytes", lambda size: f"{size / 2**20:.0f} MiB"),
    )
    table = [(name, drawn(answer[key])) for name, key, drawn in rows if answer[key] is not None]
    console.table(subject.title, ("measured", "value"), table)
    if answer["cascade"]:
        _show_cascade(subject, answer["cascade"])
    gmac = answer["gmac"]
    parts = [(part, f"{count:.3f}", percent(count / gmac["total"])) for part, count in gmac.items()]
    title = f"multiply-adds of a forward pass at {size[0]}x{size[1]}"
    console.table(title, ("part", "giga", "%"), parts)


def _show_cascade(subject: BenchTarget, told: dict[str, Any]) -> None:
    """What `--fine auto` costs and saves, and its picture in the run's folder."""
    rows = [
        ("--fine always", _seconds(told["always_seconds"]), "0.0", percent(told["points"][0]["accuracy"])),
        ("fine branch never asked", *_cells(told["points"][-1])),
    ]
    if told["chosen"]:
        rows.insert(1, ("--fine auto", *_cells(told["chosen"])))
    title = f"the fine branch, {told['images']} images"
    console.table(title, ("", "an image", "% of images without", "% of pixels right"), rows)
    run = locate.run_of(subject.checkpoint) if subject.checkpoint else None
    if run:
        from casnet_cli.reports.early_exit import draw

        file = run / "fine.png"
        try:
            draw(told, file)
            console.message(f"wrote {file}")
        except OSError as error:
            raise InputError(f"{file}: cannot be written: {reason(error)}") from None


def _cells(point: dict[str, float]) -> tuple[str, str, str]:
    return _seconds(point["seconds"]), percent(point["share"]), percent(point["accuracy"])


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
