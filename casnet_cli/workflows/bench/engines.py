"""Timing the files that a run was exported to, and its own network, in turn on one image."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli import backend, console
from casnet_cli.errors import RunError, reason
from casnet_cli.export.metadata import SUFFIXES
from casnet_cli.export.runtime import check_size
from casnet_cli.export.verify import REST
from casnet_cli.runs import locate, trained
from casnet_cli.util.files import sha256_of
from casnet_cli.util.text import percent
from casnet_cli.workflows.bench.target import BenchTarget

WARM = 2
TOLD = ("precision", "size", "proof", "bytes", "file", "checkpoint_sha256")

Ask = Callable[[np.ndarray], Any]


def engines(subject: BenchTarget, which: str, size: tuple[int, int], repeats: int) -> list[dict[str, Any]]:
    """For Keras and each export of the run, as far as `which` names them: `engine`, `precision`, `size` of its images,
    `bytes` on disk, `load_seconds`, `seconds` of an image of that height and width, and from its proof `pixel_accuracy`
    and `pixels_equal`. Raises RunError, EngineError, InputError.
    """
    file = subject.checkpoint
    folder = locate.run_of(file) if file else None
    if file is None or folder is None:
        raise RunError(f"--engine {which}: {subject.title} is no run folder, and has no exports")
    exports = [_described(each) for each in _exports(folder, which)]
    if not exports and which != "keras":
        kind = "" if which == "all" else f" --format {which}"
        raise RunError(f"{folder}: no exports here (casnet export --run {folder}{kind} writes one)")
    if any(told["size"] is None and Path(told["file"]).suffix in SUFFIXES for told in exports):
        check_size(size, subject.recipe.evaluation.scale)
    rows: list[dict[str, Any]] = []
    asks: list[Ask] = []
    if which in ("keras", "all"):
        accuracy = _of_keras(exports, sha256_of(file))
        rows.append(_row("keras", {"precision": "float32", "size": None}, file.stat().st_size, accuracy))
        asks.append(_opened(rows[-1], _keras, file))
    for told in exports:
        proof, where = told["proof"] or {}, told["folder"]
        rows.append(_row(where.name.partition("-")[0], told, sum(told["bytes"].values()), proof.get("pixel_accuracy")))
        rows[-1]["pixels_equal"] = proof.get("pixels_equal")
        asks.append(_opened(rows[-1], _exported, where / told["file"]))
    images = [_image(row["size"] or size) for row in rows]
    for row, seconds in zip(rows, _in_turn(asks, images, repeats), strict=True):
        row["seconds"] = seconds
    return rows


def _row(engine: str, told: dict[str, Any], size: int, accuracy: float | None) -> dict[str, Any]:
    own = {key: told[key] for key in ("precision", "size")}
    return {"engine": engine, **own, "bytes": size, "pixel_accuracy": accuracy, "pixels_equal": None}


def _exports(folder: Path, which: str) -> list[Path]:
    """The descriptions of proved and unproved exports in one file each; those refused are left out."""
    found = sorted(folder.glob("export/*/export.json"))
    wanted = [file for file in found if not file.parent.name.endswith((locate.REFUSED, "-two-files"))]
    return [file for file in wanted if which == "all" or file.parent.name.startswith(f"{which}-")]


def _described(file: Path) -> dict[str, Any]:
    """An export.json, and the `folder` it lies in. Raises RunError."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return {key: told[key] for key in TOLD} | {"folder": file.parent}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file}: not readable: {reason(error)} (export again, or remove the folder)") from None


def _of_keras(exports: list[dict[str, Any]], checkpoint: str) -> float | None:
    """Pixel accuracy of the network itself on the images of a proof at any size. checkpoint: the sha256 of its file."""
    for told in exports:
        if told["proof"] and not told["size"] and told["checkpoint_sha256"] == checkpoint:
            return told["proof"]["pixel_accuracy"] - told["proof"]["pixel_accuracy_difference"]
    return None


def _opened(row: dict[str, Any], load: Callable[[Path], Ask], file: Path) -> Ask:
    began = time.perf_counter()
    with backend.silence():
        ask = load(file)
    row["load_seconds"] = time.perf_counter() - began
    return ask


def _keras(file: Path) -> Ask:
    backend.start()
    from casnet_cli.inference.loading import open_predictor

    return open_predictor(trained.find_run(file)).predict


def _exported(file: Path) -> Ask:
    if file.suffix in SUFFIXES:
        from casnet_cli.export.runtime import ExportedPredictor

        return ExportedPredictor(file).predict
    backend.start()
    from casnet_cli.export.tracing import saved_model

    return saved_model(file)


def _image(size: Any) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def _in_turn(asks: list[Ask], images: list[np.ndarray], repeats: int) -> list[float]:
    """Median seconds of each about its image, after `WARM` calls for nothing."""
    times: list[list[float]] = [[] for _ in asks]
    for _ in range(WARM + repeats):
        for ask, image, own in zip(asks, images, times, strict=True):
            time.sleep(REST)
            began = time.perf_counter()
            ask(image)
            own.append(time.perf_counter() - began)
    return [statistics.median(own[WARM:]) for own in times]


def show(title: str, size: tuple[int, int], rows: list[dict[str, Any]]) -> None:
    """As a table."""
    table = [
        (
            row["engine"],
            row["precision"],
            "any" if row["size"] is None else "x".join(map(str, row["size"])),
            f"{row['bytes'] / 1e6:.1f}",
            f"{row['load_seconds']:.2f}",
            f"{1000 * row['seconds']:.0f}",
            percent(row["pixel_accuracy"]),
            "" if row["pixels_equal"] is None else f"{100 * row['pixels_equal']:.2f}",
        )
        for row in rows
    ]
    heads = ("engine", "precision", "sizes", "MB", "load s", "ms", "% right", "% as Keras")
    console.table(f"{title}, an image of {size[0]}x{size[1]}", heads, table)
