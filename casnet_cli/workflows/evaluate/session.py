"""What `casnet eval` does: evaluate a run on a split, write the files, show the tables."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.data.pixels.take import shown
from casnet_cli.errors import DataError, InputError, RunError, reason
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.measurement import METRICS_FILE, EvalProtocol, EvaluationKey, evaluation_key
from casnet_cli.runs import trained
from casnet_cli.util.files import removed_if_empty, stays_below
from casnet_cli.util.text import count
from casnet_cli.workflows.evaluate.files import REPORT, check_unclaimed, make_folder, write_files
from casnet_cli.workflows.evaluate.tables import show

if TYPE_CHECKING:
    from casnet_cli.evaluation.evaluator import Evaluation
    from casnet_cli.inference.protocol import LabelledImage, PixelOutputs, Predictor
    from casnet_cli.reports.evaluation import Card


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of the command."""

    data: Path | None = None
    """Prepared data; None: those of `project`, or of the run, or of `casnet.toml` if the run's are not known."""
    project: Path | None = None
    """The project file whose data are taken before those of the run."""
    split: str | None = None
    """`train`, `val` or `test`; None: test, or val where there is no test."""
    fold: int | None = None
    """Fold that divides the data; None: the run's own."""
    protocol: EvalProtocol = EvalProtocol()
    """Settings of inference."""
    limit: int | None = None
    """So many images alone, spread evenly over those of the split; None: all."""
    split_file: Path | None = None
    """List of the names of images that alone are measured; None: those of the split."""
    engine: str | None = None
    """What predicts: `auto`, the faster one, or `keras`; None: as `workflows.engine.fastest` chooses."""
    worst: int = 6
    """Pictures of images with the lowest pixel accuracy."""
    save_predictions: bool = False
    """Whether the files of `casnet predict` are written too."""
    out: Path | None = None
    """Output folder; None: in the run's folder."""
    ends: float | None = None
    """Time to give up at, of `time.monotonic`; None: never."""


def evaluate_run(run: Path, options: EvaluateOptions) -> Path:
    """Evaluate a run and print the tables. Returns the folder written."""
    found = trained.open_run(run)
    console.notes(found.remarks)
    store = trained.open_run_data(found, options.data or _data_of_project(found, options.project))
    key = evaluation_key(found, store, options.split, options.fold, options.protocol, options.limit, options.split_file)
    out, evaluation = evaluate_key(key, options)
    show(evaluation, found.meta.recipe)
    tables = f"per_class.csv, confusion.csv, per_image.csv, {per_image.FILE}"
    console.message(f"wrote {out}/{METRICS_FILE}, {tables}, pictures/, {REPORT}")
    return out


def _data_of_project(run: trained.TrainedRun, project: Path | None) -> Path | None:
    """The prepared file of the project that is named, or of `casnet.toml` for a run whose own is not there."""
    if not project:
        with suppress(DataError, RunError):
            return trained.recorded_data(run)
    from casnet_cli.workflows.project import prepared_file

    return prepared_file(project)


def evaluate_key(
    key: EvaluationKey,
    options: EvaluateOptions = EvaluateOptions(),  # noqa: B008
) -> "tuple[Path, Evaluation]":
    """Predict every image; write metrics.json, the tables of counts, pictures of the worst, and report.html.

    Of the options only those count that the key does not fix. Raises TimeoutError at `options.ends`, with nothing
    written, and CasnetError.
    """
    out = options.out or key.folder
    make_folder(out)
    with removed_if_empty(out / "pictures", out):
        if options.out:
            check_unclaimed(out)
        return out, _evaluate(key, options, out)


def _evaluate(key: EvaluationKey, options: EvaluateOptions, out: Path) -> "Evaluation":
    run, store = key.run, key.store
    from casnet_cli.workflows.engine import fastest

    engine = fastest(run, len(key.images), options.engine)
    console.message(f"evaluating {run.title} on {key.chosen} of {store.path}, engine {engine.name}")
    if (known := store.images_of(run.meta.data_sha256)) is None:
        console.message("note: not the data this run was trained on; its training images may be among these")
    elif store.content_sha256 != run.meta.data_sha256:
        added = len(store.names["train"]) - known
        seen = "all of these were" if key.split == "train" else "none of these was"
        console.message(
            f"note: a later version of the data this run was trained on, {count(added, 'image')} added since: "
            f"{seen} trained on"
        )

    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
    from casnet_cli.evaluation.evaluator import evaluate, predict_samples
    from casnet_cli.inference.outputs import evaluation_outputs
    from casnet_cli.inference.predictor import InferenceSettings

    settings = InferenceSettings(key.protocol.tta, key.scale, key.protocol.tile)
    predictor = engine.predictor(evaluation_outputs(run.meta.temperature), settings)
    detailed = DetailedMetrics(store.labels, run.meta.temperature, run.meta.recipe.model.variant == "attention")
    with console.bar("evaluating") as bar, ExitStack() as stack:
        samples = _in_time(whole_images(key.images), options.ends)
        keep = stack.enter_context(_saver(out / "predictions", key)) if options.save_predictions else _nothing
        counted = _counted(keep, len(key.images), bar)
        evaluation = evaluate(predict_samples(predictor, samples), store.labels, detailed, counted)
        bar.update(len(key.images), len(key.images), "drawing pictures")
        try:
            cards = _pictures(out / "pictures", key, evaluation, predictor, options.worst)
            write_files(out, evaluation, key, cards, engine.name)
        except OSError as error:
            raise InputError(f"{out}: cannot be written: {reason(error)}") from None
    return evaluation


def _nothing(sample: "LabelledImage", outputs: "PixelOutputs") -> None:
    """Keeps no prediction."""


@contextmanager
def _saver(folder: Path, key: EvaluationKey) -> "Iterator[Callable[[LabelledImage, PixelOutputs], None]]":
    """Writes what `casnet predict` would of each image, under its name in the data. Raises InputError."""
    from casnet_cli.prediction.inputs import Job
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.outputs import Outputs

    files = Outputs(folder, key.store.labels, key.identity.checkpoint_sha256, resume=False)

    def keep(sample: "LabelledImage", outputs: "PixelOutputs") -> None:
        if not stays_below(sample.name):
            raise DataError(f"{key.store.path}: {sample.name}: a name that leads out of {folder} (prepare it again)")
        job = Job(Path(sample.name), Path(sample.name))
        result = files.new_result(sample.image.shape[:2])
        confidence = outputs.get("calibrated", outputs["confidence"])
        result.add(slice(None), slice(None), outputs | {"confidence": confidence})
        manifest.add(files.save(job, shown(sample.image, key.store.intensities), result))

    with Manifest(files, warn=console.once) as manifest:
        yield keep


def _pictures(
    folder: Path, key: EvaluationKey, evaluation: "Evaluation", predictor: "Predictor", worst: int
) -> "list[Card]":
    """Predict remarkable images once more: the worst are drawn into `folder`, the others are for the report."""
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.evaluator import remarkable
    from casnet_cli.reports import panels
    from casnet_cli.reports.evaluation import EACH, card

    kinds = remarkable(evaluation, EACH)
    drawn = remarkable(evaluation, worst)["worst"]
    places = list(dict.fromkeys((*drawn, *(place for own in kinds.values() for place in own))))
    accuracy = evaluation.per_image.counts["fused"].metrics().pixel_accuracy
    for old in folder.glob("worst-[0-9][0-9]-*.png"):
        old.unlink(missing_ok=True)
    cards = []
    for place, sample in zip(places, whole_images(key.images.at(places)), strict=True):
        outputs = predictor.predict(sample.image)
        sample = replace(sample, image=shown(sample.image, key.store.intensities))
        if place in drawn:
            name = f"worst-{drawn.index(place) + 1:02d}-{Path(sample.name).name}.png"
            panels.strip(sample.image, sample.label, outputs, evaluation.labels).save(folder / name)
        if ranks := {kind: own.index(place) + 1 for kind, own in kinds.items() if place in own}:
            cards.append(card(sample, outputs, accuracy[place], evaluation.changed[place], ranks, evaluation.labels))
    return cards


def _in_time(samples: "Iterable[LabelledImage]", ends: float | None) -> "Iterator[LabelledImage]":
    """The samples, until the time is over. Raises TimeoutError."""
    for sample in samples:
        if ends is not None and time.monotonic() >= ends:
            raise TimeoutError
        yield sample


def _counted(
    keep: "Callable[[LabelledImage, PixelOutputs], None]", total: int, bar: console.Bar
) -> "Callable[[LabelledImage, PixelOutputs], None]":
    """`keep` that moves the bar on after each image."""
    done = itertools.count(1)
    bar.wait(total, "compiling")

    def counted(sample: "LabelledImage", outputs: "PixelOutputs") -> None:
        keep(sample, outputs)
        bar.count(next(done), total)

    return counted
