"""What `casnet bench` does: find what to measure, measure it, and show the numbers."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.runs import locate
from casnet_cli.util.text import percent
from casnet_cli.workflows.bench.target import BenchTarget, find_target

if TYPE_CHECKING:
    from casnet_cli.evaluation.early_exit import EarlyExitRecord, TimedPoint
    from casnet_cli.workflows.bench.timing import BenchResult


@dataclass(frozen=True)
class BenchOptions:
    """The options of the command."""

    run: Path | None = None
    """Run folder or checkpoint; None: the newest run, unless a recipe is named."""
    recipe: str | None = None
    """Recipe to measure in place of a run."""
    overrides: list[str] = field(default_factory=list)
    """Changes of the recipe, as `section.key=value`."""
    data: Path | None = None
    """Prepared data set; None: the run's or recipe's own."""
    size: tuple[int, int] | None = None
    """Height and width of the image of the forward pass; None: the recipe's crop."""
    only: str | None = None
    """One of forward, train, input and predict; None: all that can be measured."""
    engine: str | None = None
    """Engine whose exports to time in place of all else, or `all`."""
    repeats: int = 5
    """Smallest number of timings for a median."""
    json: str | None = None
    """File for the result; `-` is stdout."""


def bench(options: BenchOptions) -> None:
    """Measure and show. Raises RecipeError, RunError, DataError, InputError or BackendError."""
    console.check_json(options.json)
    target = find_target(options.run, options.recipe, options.overrides, options.data)
    size = options.size or (target.recipe.augmentation.crop,) * 2
    if options.engine:
        _compare_engines(target, size, options.engine, options)
        return
    quantities = _quantities(target, options.only)
    from casnet_cli.workflows.bench.timing import Bench

    console.message(f"measuring {', '.join(quantities)} of {target.title}")
    result = Bench(target, size, quantities, options.repeats).measure()
    if options.json:
        console.write_json(asdict(result), options.json)
    if options.json != "-":
        show(target, size, result)


def _compare_engines(target: BenchTarget, size: tuple[int, int], engine: str, options: BenchOptions) -> None:
    from casnet_cli.workflows.bench import engines

    rows = engines.time_engines(target, engine, size, options.repeats)
    if options.json:
        console.write_json({"engines": [row.record() for row in rows]}, options.json)
    if options.json != "-":
        engines.show(target.title, size, rows)


def _quantities(target: BenchTarget, only: str | None) -> list[str]:
    """What to measure: `only`, or all that can be. Raises DataError if `only` cannot."""
    obstacles = {what: target.obstacle(what) for what in ("input", "predict")}
    if only:
        if obstacles.get(only):
            raise DataError(f"--only {only}: {obstacles[only]}")
        return [only]
    for what, why in obstacles.items():
        if why:
            console.message(f"{what} not measured: {why}")
    return ["forward", "train", *(what for what, why in obstacles.items() if not why)]


def show(target: BenchTarget, size: tuple[int, int], result: "BenchResult") -> None:
    """Show the numbers, and the operations of each part, as tables."""
    crop, training = target.recipe.augmentation.crop, target.recipe.training
    timed = "a step" if result.train_step_seconds else "a forward pass"
    rows = (
        (f"forward pass of an image of {size[0]}x{size[1]}", result.forward_seconds, _seconds),
        ("the same, images a second", result.images_per_second, "{:.3g} /s".format),
        (f"training step on {training.batch_size} images of {crop}x{crop}", result.train_step_seconds, _seconds),
        ("the same, images a second", result.train_images_per_second, "{:.3g} /s".format),
        ("step that reads its batch / step on a batch in memory", result.input_ratio, "{:.3f}".format),
        ("images a second of casnet predict / of the network", result.end_to_end_ratio, "{:.3f}".format),
        (f"product of two matrices in {training.precision}", result.matmul_gflops, "{:.1f} GFLOP/s".format),
        (f"share of that rate which {timed} reaches", result.share_of_matmul_rate, "{:.1%}".format),
        ("largest memory of this process", result.peak_rss_bytes, lambda size: f"{size / 2**20:.0f} MiB"),
    )
    table = [(name, as_text(value)) for name, value, as_text in rows if value is not None]
    console.table(target.title, ("measured", "value"), table)
    if result.cascade:
        _show_early_exit(target, result.cascade)
    parts = [(part, f"{count:.3f}", percent(count / result.gmac["total"])) for part, count in result.gmac.items()]
    title = f"multiply-adds of a forward pass at {size[0]}x{size[1]}"
    console.table(title, ("part", "giga", "%"), parts)


def _show_early_exit(target: BenchTarget, record: "EarlyExitRecord") -> None:
    """Show what `--fine auto` costs and saves, and write its picture into the run's folder."""
    rows = [
        ("--fine always", _seconds(record["always_seconds"]), "0.0", percent(record["points"][0]["accuracy"])),
        ("never the fine branch", *_cells(record["points"][-1])),
    ]
    if record["chosen"]:
        rows.insert(1, ("--fine auto", *_cells(record["chosen"])))
    title = f"the fine branch, {record['images']} images"
    console.table(title, ("", "an image", "% of images without", "% of pixels right"), rows)
    run = locate.run_of(target.checkpoint) if target.checkpoint else None
    if run:
        from casnet_cli.reports.early_exit import draw

        file = run / "fine.png"
        try:
            draw(record, file)
            console.message(f"wrote {file}")
        except OSError as error:
            raise InputError(f"{file}: cannot be written: {reason(error)}") from None


def _cells(point: "TimedPoint") -> tuple[str, str, str]:
    return _seconds(point["seconds"]), percent(point["share"]), percent(point["accuracy"])


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
