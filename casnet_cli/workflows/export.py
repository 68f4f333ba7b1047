"""What `casnet export` does: write a run in another format into a folder of its own, prove it, keep what is good."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli import backend, console
from casnet_cli.errors import BackendError, CasnetError, InputError, RunError, reason
from casnet_cli.runs import locate
from casnet_cli.util import signals
from casnet_cli.util.files import remove_stale, unfinished_name
from casnet_cli.util.text import count, percent

if TYPE_CHECKING:
    from casnet_cli.data.store import Subset
    from casnet_cli.export.runtime import Answer
    from casnet_cli.runs.trained import TrainedRun

CALIBRATING = 50
"""Training images that integers are calibrated on."""

NEEDS = {"onnx": ("tf2onnx", "onnx", "onnxruntime"), "litert": ("ai_edge_litert",), "savedmodel": ()}


@dataclass(frozen=True)
class ExportOptions:
    """The options of the command. size: height and width of the images, None for any."""

    format: str = "onnx"
    precision: str = "float32"
    size: tuple[int, int] | None = None
    probabilities: bool = False
    two_files: bool = False

    @property
    def folder(self) -> str:
        words = [self.format, self.precision]
        words += ["x".join(map(str, self.size))] if self.size else []
        return "-".join([*words, "two-files"] if self.two_files else words)


def export(run: Path | None, data: Path | None, wanted: ExportOptions) -> bool:
    """Write and prove; returns whether the file keeps its limits, or was not proved. Raises CasnetError."""
    _check_packages(wanted)
    file = locate.checkpoint_of(run or locate.newest_run())  # a mistake here answers before the slower imports
    from casnet_cli.runs import trained

    chosen = trained.find_run(file)
    _check_run(chosen, run, wanted)
    parts = _parts(chosen, data, wanted)
    target = locate.RunLayout(chosen.folder or file.parent).export(wanted.folder)
    console.message(f"exporting {chosen.title} as {wanted.folder}")
    with _unfinished(target) as folder, signals.swallowed_interrupts() as check:
        told = _write_and_prove(chosen, parts, wanted, folder, check)
        check()
        (folder / "export.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        good = told["proof"] is None or told["proof"]["within_limits"]
        place = target if good else target.with_name(target.name + locate.REFUSED)
        _take_place(folder, place)
    _show(told, place, good)
    return good


def _check_packages(wanted: ExportOptions) -> None:
    needed = [*NEEDS[wanted.format]]
    if wanted.format == "litert" and wanted.precision == "int8":
        needed.append("ai_edge_quantizer")
    for package in needed:
        if find_spec(package) is None:
            raise BackendError(
                f"--format {wanted.format}: {package} is not installed (pip install 'casnet[{wanted.format}]')"
            )
    if wanted.format == "savedmodel" and wanted.precision != "float32":
        raise BackendError(f"--precision {wanted.precision}: a SavedModel is in float32 (onnx and litert have others)")
    if wanted.two_files and wanted.format != "onnx":
        raise BackendError(f"--two-files: --format {wanted.format} is one file (onnx may be two)")
    if wanted.two_files and wanted.precision == "int8":
        raise BackendError("--two-files: not in integers (--precision float32 or float16, or one file)")
    if find_spec("tensorflow") is None or os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise BackendError("casnet export: works with TensorFlow alone (pip install tensorflow, KERAS_BACKEND unset)")


def _check_run(chosen: "TrainedRun", run: Path | None, wanted: ExportOptions) -> None:
    section, meta = chosen.meta.recipe.model, chosen.meta
    if not (run and run.is_file()):
        _check_finished(chosen)
    if wanted.two_files and section.variant != "attention":
        raise RunError(f"--two-files: variant {section.variant} of {chosen.file} has no such branches (attention has)")
    bins = max(section.pyramid_bins, default=1) if section.variant != "coarse" else 1
    least = (bins - 1) * section.output_stride + 1
    seen = [round(side * meta.recipe.evaluation.scale) for side in wanted.size or ()]
    if seen and min(seen) < least:
        raise InputError(
            f"--size {wanted.size[0]}x{wanted.size[1]}: too small for a pyramid of {bins}x{bins} bins "  # type: ignore[index]
            f"(sides of {least / meta.recipe.evaluation.scale:.0f} pixels and more)"
        )
    from casnet_cli.export.runtime import check_size

    if wanted.size and wanted.format != "savedmodel":
        check_size(wanted.size, meta.recipe.evaluation.scale)


def _check_finished(chosen: "TrainedRun") -> None:
    """By the run's last checkpoint, where it is kept: the best may be an earlier one."""
    from casnet_cli.runs.checkpoint import read_meta
    from casnet_cli.runs.folder import RunFolder

    assert chosen.folder
    last = RunFolder(chosen.folder).last
    meta = read_meta(last) if last.is_file() else None
    if meta and not meta.finished:
        raise RunError(
            f"{chosen.folder}: its training has not come to its end, epoch {meta.progress.epochs} of "
            f"{meta.recipe.training.epochs} (casnet train --run {chosen.folder} --resume, or --run {chosen.file})"
        )


def _parts(chosen: "TrainedRun", data: Path | None, wanted: ExportOptions) -> "dict[str, Subset]":
    """Images of the run's data by split; {} where they are not to be had and not named. Raises CasnetError."""
    from casnet_cli.runs import trained

    recipe = chosen.meta.recipe
    try:
        store = trained.open_run_data(chosen, data)
        parts = store.parts(chosen.meta.fold, recipe.data.validation_fraction, recipe.training.seed)
    except CasnetError as error:
        if data:
            raise
        if wanted.precision == "int8":
            raise RunError(f"--precision int8: is calibrated on training images: {error.faults[0]}") from None
        console.message(f"not proved: {error.faults[0]}")
        return {}
    if wanted.precision == "int8" and "train" not in parts:
        raise RunError(f"--precision int8: is calibrated on training images, and {store.path} has none")
    return parts


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A folder of another name for what is to become `target`; gone at the end. Raises InputError."""
    folder = unfinished_name(target)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for name in (target.name, f"{target.name}-old"):
            remove_stale(target.with_name(name))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {reason(error)}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_place(folder: Path, target: Path) -> None:
    """Put a whole folder in the place of another, which is gone only then."""
    old = unfinished_name(target.with_name(target.name + "-old"))
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(folder, target)
    except OSError:
        if old.exists():
            os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_and_prove(
    chosen: "TrainedRun", parts: "dict[str, Subset]", wanted: ExportOptions, folder: Path, check: Callable[[], None]
) -> dict[str, Any]:
    """What export.json says. check: called between its steps."""
    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.export import formats
    from casnet_cli.export.metadata import describe
    from casnet_cli.export.verify import IMAGES, fitted, prove
    from casnet_cli.runs.checkpoint import load_model
    from casnet_cli.util.files import sha256_of

    model, meta = load_model(chosen.file, chosen.meta)
    scale, training = meta.recipe.evaluation.scale, parts.get("train")
    about = describe(chosen, sha256_of(chosen.file), wanted.precision, wanted.size, wanted.probabilities)
    calibrating: list[Any] = []
    if wanted.precision == "int8" and training:
        calibrating = [
            fitted(one, wanted.size, scale).image for one in whole_images(training.at(_spread(training, CALIBRATING)))
        ]
    told = formats.ExportSpec(wanted.precision, wanted.size, scale, wanted.probabilities, about, calibrating)
    console.message("writing …")
    file = (formats.two_onnx if wanted.two_files else formats.WRITERS[wanted.format])(model, told, folder)
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    about = {**about, "opset": formats.OPSET if wanted.format == "onnx" else None, "file": file.name, "bytes": files}
    images = parts.get("val") or parts.get("test") or training
    if not images:
        return about | {"proved": False, "proof": None}
    check()
    console.message("proving …")
    from casnet_cli.inference.loading import predictor_of

    def samples() -> Iterator[Any]:
        for one in whole_images(images.at(_spread(images, IMAGES))):
            check()
            yield fitted(one, wanted.size, scale)

    ours = _asked(file, wanted)
    proof = prove(ours, predictor_of(model, meta.recipe).predict, samples(), len(meta.labels), wanted.precision)
    return about | {"proved": proof["within_limits"], "proof": proof}


def _spread(images: "Subset", most: int) -> list[int]:
    """Places of so many images at most, spread over all of them."""
    count = min(most, len(images))
    return [index * len(images) // count for index in range(count)]


def _asked(file: Path, wanted: ExportOptions) -> "Answer":
    """The written file in the runtime that other programs ask it by."""
    from casnet_cli.export.runtime import ExportedPredictor, two_files
    from casnet_cli.export.tracing import saved_model

    if wanted.format == "savedmodel":
        return saved_model(file)
    return two_files(file) if wanted.two_files else ExportedPredictor(file).predict


def _show(told: dict[str, Any], place: Path, good: bool) -> None:
    proof, megabytes = told["proof"], sum(told["bytes"].values()) / 1e6
    if proof is None:
        console.result(f"{place}: {megabytes:.1f} MB, not proved (name the data by --data FILE)")
        return
    from casnet_cli.export.verify import limit_of

    points = {key: 100 * proof[f"{key}_difference"] for key in ("pixel_accuracy", "mean_iou")}
    worst = f"{proof['worst_image']}, {percent(proof['worst_image_pixels_equal'])} %"
    rows = [
        ("pixels with the class that Keras says", f"{100 * proof['pixels_equal']:.3f} %"),
        ("pixel accuracy, points", f"{points['pixel_accuracy']:+.3f}"),
        ("mean IoU, points", f"{points['mean_iou']:+.3f}"),
        ("difficulty, farthest apart", f"{proof['difficulty_farthest']:.2g}"),
        ("least equal image", worst),
        ("an image", f"{1000 * proof['seconds_per_image']:.0f} ms"),
        ("an image, Keras", f"{1000 * proof['keras_seconds_per_image']:.0f} ms"),
    ]
    console.table(f"{count(proof['images'], 'image')} asked of both", ("", ""), rows)
    console.result(f"{place}: {megabytes:.1f} MB, {'proved' if good else 'refused'}")
    if not good:
        console.error(f"{place}: beyond its limit ({limit_of(told['precision'])})")
