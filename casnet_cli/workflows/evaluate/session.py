"""What `casnet eval` does: score a run on a split, write the files, show the tables."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli import backend, console
from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.measurement import METRICS_FILE, EvalProtocol, EvaluationKey, evaluation_key
from casnet_cli.runs import trained
from casnet_cli.util.files import removed_if_empty
from casnet_cli.workflows.evaluate.files import REPORT, _check_unclaimed, make_folder, write
from casnet_cli.workflows.evaluate.tables import show

if TYPE_CHECKING:
    from casnet_cli.evaluation.evaluator import Evaluation
    from casnet_cli.reports.evaluation import Card


@dataclass(frozen=True)
class EvaluateOptions:
    """What to measure a run by. split: default test, else val. fold: default the run's own. out: default in the run.

    ends: of `time.monotonic`, when to give up.
    """

    data: Path | None = None
    split: str | None = None
    fold: int | None = None
    protocol: EvalProtocol = EvalProtocol()
    worst: int = 6
    save_predictions: bool = False
    out: Path | None = None
    ends: float | None = None


def evaluate_run(run: Path, question: EvaluateOptions) -> Path:
    """Measure a run and print the tables. Returns the folder written."""
    found = trained.find_run(run)
    store = trained.open_run_data(found, question.data)
    out, scores = evaluate_key(evaluation_key(found, store, question.split, question.fold, question.protocol), question)
    show(scores)
    console.message(
        f"wrote {out}/{METRICS_FILE}, per_class.csv, confusion.csv, per_image.csv, {per_image.FILE}, pictures/, {REPORT}"
    )
    return out


def evaluate_key(wanted: EvaluationKey, question: EvaluateOptions = EvaluateOptions()) -> tuple[Path, "Evaluation"]:  # noqa: B008
    """Ask a run about every image; write metrics.json, the tables of counts, pictures of the worst, and report.html.

    Raises TimeoutError at `question.ends`, with nothing written, and CasnetError.
    """
    out = question.out or wanted.folder
    make_folder(out)
    with removed_if_empty(out / "pictures", out):
        if question.out:
            _check_unclaimed(out)
        return out, _measured(wanted, question, out)


def _measured(wanted: EvaluationKey, question: EvaluateOptions, out: Path) -> "Evaluation":
    run, store = wanted.run, wanted.store
    console.message(f"evaluating {run.title} on {len(wanted.images)} {wanted.split} images of {store.path}")
    if store.content_sha256 != run.meta.data_sha256:
        console.message("note: not the data this run was trained on; its training images may be among these")

    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
    from casnet_cli.evaluation.evaluator import evaluate, predict_samples
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.pixel_outputs import evaluation_outputs
    from casnet_cli.inference.predictor import InferenceSettings

    settings = InferenceSettings(wanted.protocol.tta, wanted.scale, wanted.protocol.tile)
    network = open_predictor(run, evaluation_outputs(run.meta.temperature), settings)
    detailed = DetailedMetrics(store.labels, run.meta.temperature, run.meta.recipe.model.variant == "attention")
    with console.bar("evaluating") as bar, ExitStack() as stack:
        samples = _counted(whole_images(wanted.images), len(wanted.images), bar, question.ends)
        asked = predict_samples(network, samples)
        keep = stack.enter_context(_saver(out / "predictions", wanted)) if question.save_predictions else _nothing
        scores = evaluate(asked, store.labels, detailed, keep)
    try:
        pictures = _pictures(out / "pictures", wanted, scores, network, question.worst)
        write(out, scores, wanted, pictures)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {reason(error)}") from None
    return scores


def _nothing(sample: Any, said: Any) -> None:
    """Keeps no prediction."""


@contextmanager
def _saver(folder: Path, wanted: EvaluationKey) -> Iterator[Callable[[Any, Any], None]]:
    """Writes what `predict` would of each image, under its name in the data. Raises InputError."""
    from casnet_cli.prediction.inputs import Job
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.outputs import Outputs

    outputs = Outputs(folder, wanted.store.labels, wanted.identity["checkpoint_sha256"], resume=False)

    def keep(sample: Any, said: Any) -> None:
        if Path(sample.name).is_absolute() or ".." in Path(sample.name).parts:
            raise DataError(f"{wanted.store.path}: {sample.name}: a name that leads out of {folder} (prepare it again)")
        job = Job(Path(sample.name), Path(sample.name))
        result = outputs.new_result(sample.image.shape[:2])
        result.add(slice(None), slice(None), said | {"confidence": said.get("calibrated", said["confidence"])})
        manifest.add(outputs.save(job, sample.image, result))

    with Manifest(outputs) as manifest:
        yield keep


def _pictures(folder: Path, wanted: EvaluationKey, scores: "Evaluation", answer: Any, worst: int) -> "list[Card]":
    """Ask once more about the remarkable images: the worst are drawn into `folder`, the others are for the report."""
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.evaluator import remarkable
    from casnet_cli.reports import panels
    from casnet_cli.reports.evaluation import EACH, card

    kinds = remarkable(scores, EACH)
    drawn = remarkable(scores, worst)["worst"]
    places = list(dict.fromkeys((*drawn, *(place for own in kinds.values() for place in own))))
    accuracy = scores.per_image.counts["fused"].metrics().pixel_accuracy
    for old in folder.glob("worst-[0-9][0-9]-*.png"):
        old.unlink(missing_ok=True)
    cards = []
    for place, sample in zip(places, whole_images(wanted.images.at(places)), strict=True):
        said = answer(sample.image)
        if place in drawn:
            name = f"worst-{drawn.index(place) + 1:02d}-{Path(sample.name).name}.png"
            panels.strip(sample.image, sample.label, said, scores.labels).save(folder / name)
        if ranks := {kind: own.index(place) + 1 for kind, own in kinds.items() if place in own}:
            cards.append(card(sample, said, accuracy[place], scores.changed[place], ranks, scores.labels))
    return cards


def _counted(samples: Iterable[Any], total: int, bar: console.Bar, ends: float | None) -> Iterator[Any]:
    for done, sample in enumerate(samples, 1):
        if ends is not None and time.monotonic() >= ends:
            raise TimeoutError
        yield sample
        bar.update(done, total)
