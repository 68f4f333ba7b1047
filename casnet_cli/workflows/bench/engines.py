"""Timing a run's exported files and its network in Keras, in turn on one image."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from casnet_cli import backend, console
from casnet_cli.errors import RunError
from casnet_cli.export.formats import engine_of
from casnet_cli.export.runtime import check_size
from casnet_cli.export.verify import REST
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.runs import locate, trained
from casnet_cli.runs.export_record import ExportRecord
from casnet_cli.runs.json_record import read_record
from casnet_cli.util.files import sha256_of
from casnet_cli.util.shell import typed
from casnet_cli.util.text import percent
from casnet_cli.workflows.bench.target import BenchTarget, random_image
from casnet_cli.workflows.bench.timing import WARM_UP

Predict = Callable[[np.ndarray], PixelOutputs]
"""The outputs for an image (H, W, N) as stored."""


@dataclass
class EngineTiming:
    """One file in its runtime, or the checkpoint in Keras."""

    engine: str
    """The runtime."""
    precision: str
    """`float32`, `float16` or `int8`."""
    size: list[int] | None
    """Height and width of its images; None: any."""
    bytes: int
    """Size on disk."""
    pixel_accuracy: float | None = None
    """From its proof; None: it is not proved."""
    pixels_equal: float | None = None
    """Share of pixels with the class that Keras gives, from its proof."""
    load_seconds: float = 0.0
    """Time of loading."""
    seconds: float = 0.0
    """Median time of an image."""

    def record(self) -> dict[str, object]:
        """For `casnet bench --json`."""
        return asdict(self)


def time_engines(target: BenchTarget, which: str, size: tuple[int, int], repeats: int) -> list[EngineTiming]:
    """Time Keras and each export of the run, or only those of one engine.

    which: `keras`, an engine, or `all`. size: height and width of the image. Raises RunError, BackendError, InputError.
    """
    file = target.checkpoint
    folder = locate.run_of(file) if file else None
    if file is None or folder is None:
        raise RunError(f"--engine {which}: {target.title} is no run folder, and has no exports")
    advice = "export again, or remove the folder"
    exports = [(each.parent, read_record(ExportRecord, each, advice)) for each in _export_records(folder, which)]
    if not exports and which != "keras":
        kind = "" if which == "all" else f" --format {which}"
        raise RunError(f"{folder}: no exports here (casnet export --run {typed(folder)}{kind} writes one)")
    if any(export.size is None and engine_of(Path(export.file)) for _, export in exports):
        check_size(size, target.recipe.evaluation.scale)
    rows: list[EngineTiming] = []
    predictors: list[Predict] = []
    if which in ("keras", "all"):
        accuracy = _accuracy_of_keras([export for _, export in exports], sha256_of(file))
        rows.append(EngineTiming("keras", "float32", None, file.stat().st_size, accuracy))
        predictors.append(_loaded(rows[-1], _in_keras, file))
    for where, export in exports:
        engine, proof = where.name.partition("-")[0], export.proof
        row = EngineTiming(engine, export.precision, export.size, sum(export.bytes.values()))
        if proof:
            row.pixel_accuracy, row.pixels_equal = proof.pixel_accuracy, proof.pixels_equal
        rows.append(row)
        predictors.append(_loaded(row, _in_runtime, where / export.file))
    images = [random_image(tuple(row.size or size), target.intensities) for row in rows]
    for row, seconds in zip(rows, _in_turn(predictors, images, repeats), strict=True):
        row.seconds = seconds
    return rows


def _export_records(folder: Path, which: str) -> list[Path]:
    """The export.json of every export in one file that is not refused."""
    found = sorted(locate.RunLayout(folder).exports.glob("*/export.json"))
    usable = [
        file for file in found if not locate.is_refused(file.parent) and not file.parent.name.endswith("-two-files")
    ]
    return [file for file in usable if which == "all" or file.parent.name.startswith(f"{which}-")]


def _accuracy_of_keras(exports: list[ExportRecord], checkpoint: str) -> float | None:
    """Pixel accuracy of the network in Keras, from the proof of an export for any size.

    checkpoint: the sha256 of its file.
    """
    for export in exports:
        if export.proof and not export.size and export.checkpoint_sha256 == checkpoint:
            return export.proof.pixel_accuracy - export.proof.pixel_accuracy_difference
    return None


def _loaded(row: EngineTiming, load: Callable[[Path], Predict], file: Path) -> Predict:
    began = time.perf_counter()
    with backend.silence():
        predict = load(file)
    row.load_seconds = time.perf_counter() - began
    return predict


def _in_keras(file: Path) -> Predict:
    backend.start()
    from casnet_cli.inference.loading import open_predictor

    return open_predictor(trained.find_run(file)).predict


def _in_runtime(file: Path) -> Predict:
    from casnet_cli.export.runtime import predict_function

    return predict_function(file)


def _in_turn(predictors: list[Predict], images: list[np.ndarray], repeats: int) -> list[float]:
    """Median seconds of each predictor for its image, after `WARM_UP` calls that do not count."""
    times: list[list[float]] = [[] for _ in predictors]
    for _ in range(WARM_UP + repeats):
        for predict, image, own in zip(predictors, images, times, strict=True):
            time.sleep(REST)
            began = time.perf_counter()
            predict(image)
            own.append(time.perf_counter() - began)
    return [statistics.median(own[WARM_UP:]) for own in times]


def show(title: str, size: tuple[int, int], rows: list[EngineTiming]) -> None:
    """Show the timings as a table."""
    table = [
        (
            row.engine,
            row.precision,
            "any" if row.size is None else "x".join(map(str, row.size)),
            f"{row.bytes / 1e6:.1f}",
            f"{row.load_seconds:.2f}",
            f"{1000 * row.seconds:.0f}",
            percent(row.pixel_accuracy),
            "" if row.pixels_equal is None else f"{100 * row.pixels_equal:.2f}",
        )
        for row in rows
    ]
    heads = ("engine", "precision", "sizes", "MB", "load s", "ms", "% right", "% as Keras")
    console.table(f"{title}, an image of {size[0]}x{size[1]}", heads, table)
