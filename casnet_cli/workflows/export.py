"""What `casnet export` does: write a run in another format into a new folder, prove it, and keep it if it is good."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import backend, console
from casnet_cli.errors import BackendError, CasnetError, InputError, RunError, reason
from casnet_cli.export.base import ExportSpec
from casnet_cli.export.formats import FORMATS
from casnet_cli.runs import locate
from casnet_cli.util import signals
from casnet_cli.util.extras import pip_install
from casnet_cli.util.files import remove_stale, unfinished_name
from casnet_cli.util.shell import typed
from casnet_cli.util.text import count, percent

if TYPE_CHECKING:
    from casnet_cli.data.loader import WholeSample
    from casnet_cli.data.store import Subset
    from casnet_cli.runs.export_record import ExportRecord
    from casnet_cli.runs.trained import TrainedRun

CALIBRATING = 50
"""Training images that integers are calibrated on."""


@dataclass(frozen=True)
class ExportOptions:
    """The options of the command, except run and data."""

    format: str = "onnx"
    """One of `export.formats.FORMATS`."""
    precision: str = "float32"
    """`float32`, `float16` or `int8`."""
    size: tuple[int, int] | None = None
    """Height and width of the images; None: any."""
    probabilities: bool = False
    """Whether the file also gives the probability of every class."""
    two_files: bool = False
    """Whether the coarse and the fine branch are files of their own."""

    @property
    def folder(self) -> str:
        """Name of the export's folder, such as onnx-float32."""
        words = [self.format, self.precision]
        words += ["x".join(map(str, self.size))] if self.size else []
        return "-".join([*words, "two-files"] if self.two_files else words)


def export(run: Path | None, data: Path | None, options: ExportOptions) -> bool:
    """Write and prove; returns whether the file keeps its limits, or was not proved. Raises CasnetError."""
    _check_format(options)
    file = locate.checkpoint_of(run or locate.newest_run())  # a mistake here shows before the slower imports
    from casnet_cli.runs import trained

    found = trained.open_run(file)
    console.notes(found.remarks)
    if not (run and run.is_file()):
        _check_finished(found)
    _check_network(found, options)
    parts = _parts(found, data, options)
    target = locate.RunLayout(found.folder or file.parent).export(options.folder)
    console.message(f"exporting {found.title} as {options.folder}")
    with _unfinished(target) as folder, signals.swallowed_interrupts() as check:
        record = _write_and_prove(found, parts, options, folder, check)
        check()
        content = json.dumps(record.model_dump(exclude_unset=True), indent=2) + "\n"
        (folder / "export.json").write_text(content, encoding="utf-8")
        good = record.proof is None or record.proof.within_limits
        place = target if good else target.with_name(target.name + locate.REFUSED)
        _replace(place, folder)
    _show(record, place, good)
    return good


def _check_format(options: ExportOptions) -> None:
    """Whether the format can be written so, and its packages are installed. Raises BackendError."""
    kind = FORMATS[options.format]
    needed = (*kind.packages, *(kind.int8_packages if options.precision == "int8" else ()))
    for package in needed:
        if find_spec(package) is None:
            raise BackendError(f"--format {options.format}: {package} is not installed ({pip_install(*needed)})")
    if options.precision not in kind.precisions:
        others = " and ".join(name for name, each in FORMATS.items() if options.precision in each.precisions)
        own = " or ".join(kind.precisions)
        raise BackendError(f"--precision {options.precision}: --format {options.format} is in {own} ({others} may be)")
    if options.two_files and not kind.write_parts:
        others = " and ".join(name for name, each in FORMATS.items() if each.write_parts)
        raise BackendError(f"--two-files: --format {options.format} is one file ({others} may be two)")
    if options.two_files and options.precision == "int8":
        raise BackendError("--two-files: not in integers (--precision float32 or float16, or one file)")
    if find_spec("tensorflow") is None or os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise BackendError("casnet export: works with TensorFlow alone (pip install tensorflow, KERAS_BACKEND unset)")


def _check_network(run: "TrainedRun", options: ExportOptions) -> None:
    """Whether the network can be written so. Raises RunError, InputError."""
    section, scale = run.meta.recipe.model, run.meta.recipe.evaluation.scale
    if options.two_files and section.variant != "attention":
        raise RunError(f"--two-files: variant {section.variant} of {run.file} has no such branches (attention has)")
    if options.size is None:
        return
    bins = max(section.pyramid_bins, default=1) if section.variant != "coarse" else 1
    least = (bins - 1) * section.output_stride + 1
    height, width = options.size
    if min(round(height * scale), round(width * scale)) < least:
        raise InputError(
            f"--size {height}x{width}: too small for a pyramid of {bins}x{bins} bins "
            f"(sides of {least / scale:.0f} pixels and more)"
        )
    from casnet_cli.export.runtime import check_size

    if FORMATS[options.format].open_session:
        check_size(options.size, scale)


def _check_finished(run: "TrainedRun") -> None:
    """Whether the training is finished, by the last checkpoint: the best may be an earlier one. Raises RunError."""
    from casnet_cli.runs.checkpoint import read_meta

    assert run.folder
    last = locate.RunLayout(run.folder).last
    meta = read_meta(last) if last.is_file() else None
    if meta and not meta.finished:
        come = f"epoch {meta.progress.epochs} of {meta.recipe.training.epochs}"
        how = f"casnet train --run {typed(run.folder)} --resume, or --run {typed(run.file)}"
        raise RunError(f"{run.folder}: its training is not finished, {come} ({how})")


def _parts(run: "TrainedRun", data: Path | None, options: ExportOptions) -> "dict[str, Subset]":
    """Images of the run's data by split; empty where there are none and `data` is not given. Raises CasnetError."""
    from casnet_cli.runs import trained

    recipe = run.meta.recipe
    try:
        store = trained.open_run_data(run, data)
        parts = store.parts(run.meta.fold, recipe.data.validation_fraction, recipe.training.seed)
    except CasnetError as error:
        if data:
            raise
        if options.precision == "int8":
            raise RunError(f"--precision int8: is calibrated on training images: {error.faults[0]}") from None
        console.message(f"not proved: {error.faults[0]}")
        return {}
    if options.precision == "int8" and "train" not in parts:
        raise RunError(f"--precision int8: is calibrated on training images, and {store.path} has none")
    return parts


@contextlib.contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target`, removed at the end unless it was renamed. Raises InputError."""
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


def _replace(target: Path, folder: Path) -> None:
    """Put a complete folder in the place of `target`, which is removed only then."""
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
    run: "TrainedRun", parts: "dict[str, Subset]", options: ExportOptions, folder: Path, check: Callable[[], None]
) -> "ExportRecord":
    """The content of export.json. check: called between the steps; may raise KeyboardInterrupt."""
    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.export.metadata import describe
    from casnet_cli.export.runtime import predict_function
    from casnet_cli.export.verify import IMAGES, fitted, prove
    from casnet_cli.inference.loading import network_of, predictor_of
    from casnet_cli.runs.export_record import ExportRecord

    model, meta = network_of(run), run.meta
    scale, training, kind = meta.recipe.evaluation.scale, parts.get("train"), FORMATS[options.format]

    def samples(images: "Subset", most: int) -> "Iterator[WholeSample]":
        for sample in whole_images(images.spread(most)):
            check()
            yield fitted(sample, options.size, scale)

    integers = options.precision == "int8" and training
    calibrating = [sample.image for sample in samples(training, CALIBRATING)] if integers and training else []
    description = describe(run, run.sha256, options.precision, options.size, options.probabilities)
    spec = ExportSpec(
        options.precision, options.size, scale, options.probabilities, description, calibrating, meta.intensities
    )
    console.message("writing …")
    write = kind.write_parts if options.two_files and kind.write_parts else kind.write
    file = write(model, spec, folder)
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    about = {**description, "opset": kind.opset, "file": file.name, "bytes": files}
    images = parts.get("val") or parts.get("test") or training
    if not images:
        return ExportRecord.model_validate({**about, "proved": False, "proof": None})
    check()
    console.message("proving …")
    exported = predict_function(file, parts=options.two_files)
    network = predictor_of(model, meta.recipe, intensities=meta.intensities)
    proof = prove(exported, network.predict, samples(images, IMAGES), len(meta.labels), options.precision)
    return ExportRecord.model_validate({**about, "proved": proof.within_limits, "proof": proof})


def _show(record: "ExportRecord", place: Path, good: bool) -> None:
    proof, megabytes = record.proof, sum(record.bytes.values()) / 1e6
    if proof is None:
        console.result(f"{place}: {megabytes:.1f} MB, not proved (name the data by --data FILE)")
        return
    from casnet_cli.export.verify import limit_of

    rows = [
        ("pixels with the class that Keras gives", f"{100 * proof.pixels_equal:.3f} %"),
        ("pixel accuracy, points", f"{100 * proof.pixel_accuracy_difference:+z.3f}"),
        ("mean IoU, points", f"{100 * proof.mean_iou_difference:+z.3f}"),
        ("difficulty, largest difference", f"{proof.difficulty_farthest:.2g}"),
        ("image with fewest equal pixels", f"{proof.worst_image}, {percent(proof.worst_image_pixels_equal)} %"),
        ("an image", f"{1000 * proof.seconds_per_image:.0f} ms"),
        ("an image, Keras", f"{1000 * proof.keras_seconds_per_image:.0f} ms"),
    ]
    console.table(f"{count(proof.images, 'image')} predicted by both", ("", ""), rows)
    console.result(f"{place}: {megabytes:.1f} MB, {'proved' if good else 'refused'}")
    if not good:
        console.error(f"{place}: beyond its limit ({limit_of(record.precision)})")
