"""How many label errors does `casnet audit` find, and is it worth it? Errors are planted, found, and voided.

    python tests/experiments/planted_errors.py --data data/stanford-background.h5 --folder planted

Of all regions of one class with at least half a percent of their image 5 % get an error, a quarter each: renamed to
another class; deleted, filled with what is around; boundary moved, out or in, by 5 and by 10 pixels. Five folds are
trained on these labels by `casnet crossval`, each labels the images it was not trained on, and suspect regions are
ranked by casnet, by cleanlab (`pip install cleanlab`) and by plain loss, on the same probabilities. Then three
trainings of five folds are measured on the labels as they were: on those, on the planted ones, and on the planted ones
with the regions void that `casnet audit` lists as objects. A second call goes on where the first was stopped.
"""

import itertools
import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy import ndimage
from series import arguments, casnet  # type: ignore[import-not-found]

from casnet_cli.auditing import label_errors
from casnet_cli.auditing.label_errors import Suspect
from casnet_cli.data import store
from casnet_cli.data.sources.base import Sample, Source
from casnet_cli.data.store import Store
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.measurement import evaluation_key
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.labels import VOID
from casnet_cli.runs import trained

KINDS = ("renamed", "deleted", "moved 5", "moved 10")
SHARE, LEAST, LARGEST_DELETED = 0.05, 0.005, 0.2
ENDS = (25, 50, 100, 200, 400)
"""k of precision and recall at k."""


def regions(label: np.ndarray) -> list[np.ndarray]:
    """(H, W) bool of each connected region of one class, without the small ones."""
    found = []
    for one in np.unique(label[label != VOID]):
        numbered, count = ndimage.label(label == one, np.ones((3, 3)))
        found += [numbered == number for number in range(1, count + 1)]
    return [region for region in found if region.sum() >= LEAST * label.size]


def wrong(kind: str, label: np.ndarray, region: np.ndarray, classes: int, rng: np.random.Generator) -> np.ndarray:
    """The label with the error; void stays void."""
    own, around = int(label[region][0]), ~region & (label != VOID)
    changed = label.copy()
    if kind == "renamed":
        changed[region] = rng.choice([other for other in range(classes) if other != own])
        return changed
    if not around.any():
        return changed
    rows, columns = ndimage.distance_transform_edt(~around, return_distances=False, return_indices=True)
    if kind == "deleted":
        return np.where(region, label[rows, columns], label)
    pixels = int(kind.split()[1])
    edge = region & (ndimage.distance_transform_edt(~around) <= pixels)
    if rng.random() < 0.5 and (region & ~edge).any():
        return np.where(edge, label[rows, columns], label)
    grown = ndimage.distance_transform_edt(~region) <= pixels
    return np.where(grown & (label != VOID), own, label).astype(np.uint8)


@dataclass(frozen=True)
class Planted:
    """An error that was planted."""

    kind: str
    """One of `KINDS`."""
    image: str
    """Name of the image."""
    changed: np.ndarray
    """(H, W) bool: pixels whose label it changed."""


def plant(labels: dict[str, np.ndarray], classes: int, seed: int) -> tuple[dict[str, np.ndarray], list[Planted]]:
    """The labels with errors, and the errors."""
    rng = np.random.default_rng(seed)
    every = [(name, region) for name, label in labels.items() for region in regions(label)]
    order = iter(rng.permutation(len(every)))
    spoilt, planted = dict(labels), []
    for number in range(round(SHARE * len(every))):
        kind = KINDS[number % len(KINDS)]
        for place in order:
            name, region = every[place]
            intact = np.array_equal(spoilt[name][region], labels[name][region])
            if intact and (kind != "deleted" or region.mean() <= LARGEST_DELETED):
                after = wrong(kind, spoilt[name], region, classes, rng)
                planted.append(Planted(kind, name, after != spoilt[name]))
                spoilt[name] = after
                break
    print(f"{len(planted)} errors in {len(every)} regions of {len(labels)} images")
    return spoilt, [one for one in planted if one.changed.any()]


def write(original: Store, labels: dict[str, np.ndarray], target: Path) -> None:
    """A data set with the same images and other labels."""

    def sample(entry) -> Sample:
        return Sample(entry.load().image, labels[entry.name])

    entries = [replace(entry, read=partial(sample, entry)) for entry in original.entries()]
    source = Source(original.name, original.labels, lambda root: entries, "", folds=original.folds)
    store.write(target, source, entries, {"source": "planted errors", "source_sha256": "", "source_stamp": ""})


@dataclass(frozen=True)
class Prediction:
    """A network's outputs for an image that it was not trained on."""

    image: str
    """Name of the image."""
    label: np.ndarray
    """(H, W) uint8 class ids and VOID."""
    p: np.ndarray
    """(K, H, W) float16 probabilities."""
    difficulty: np.ndarray
    """(H, W) float16, 0..1."""


def predictions_of(folder: Path, data: Store) -> list[Prediction]:
    """The outputs for every image, from the run in `folder` whose test fold has it."""
    from casnet_cli import backend

    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.evaluator import predict_samples
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.outputs import PROBABILITIES, Outputs
    from casnet_cli.runs.trained import find_run

    predictions = []
    for fold in range(1, data.folds + 1):
        predictor = open_predictor(
            find_run(folder / f"fold-{fold}"),
            Outputs({"difficulty": "difficulty"}) | PROBABILITIES,
        )
        for _, sample, outputs in predict_samples(predictor, whole_images(data.parts(fold)["test"])):
            p, difficulty = (np.asarray(outputs[key], np.float16) for key in ("probabilities", "difficulty"))
            predictions.append(Prediction(sample.name, np.asarray(sample.label), p, difficulty))
        backend.release_memory()
    return predictions


def cleanlab_masks(predictions: list[Prediction]) -> list[np.ndarray]:
    """cleanlab's mask of each image: pixels whose labels confident learning, over all images, finds wrong."""
    from cleanlab.segmentation.filter import find_label_issues

    classes, side = len(predictions[0].p), 1 << 16
    known = [one.label != VOID for one in predictions]
    labels = np.concatenate([one.label[mask] for one, mask in zip(predictions, known, strict=True)])
    p = np.concatenate([one.p[:, mask] for one, mask in zip(predictions, known, strict=True)], axis=1)
    whole = len(labels) // side  # in rows of equal length, as it takes images of one size only
    p = p[:, : whole * side].reshape(classes, whole, 1, side).transpose(1, 0, 2, 3).astype(np.float32)
    found = find_label_issues(labels[: whole * side].reshape(whole, 1, side), p / p.sum(1, keepdims=True), n_jobs=1)
    flat = iter(np.split(np.resize(found.ravel(), len(labels)), np.cumsum([mask.sum() for mask in known])[:-1]))
    masks = [np.zeros(mask.shape, bool) for mask in known]
    for mask, inside in zip(masks, known, strict=True):
        mask[inside] = next(flat)
    return masks


def rankings(predictions: list[Prediction]) -> dict[str, list[tuple[str, Suspect]]]:
    """Regions by each method, the most suspicious first; only which pixels are suspect and how much differs. Plain loss
    has as many pixels as casnet, but hard ones too; cleanlab its own, by its quality score 1 − p of the label."""
    found: dict[str, list[tuple[str, Suspect]]] = {"casnet audit": [], "cleanlab": [], "loss": []}
    losses = [label_errors.suspicion(one.p.astype(np.float32), one.label) for one in predictions]
    casnets = [
        label_errors.contradicted(loss, one.label, one.p.argmax(axis=0), one.difficulty)
        for one, loss in zip(predictions, losses, strict=True)
    ]
    pixels = sum(int(mask.sum()) for mask in casnets)
    least = -np.partition(-np.concatenate([loss.ravel() for loss in losses]), pixels)[pixels]
    print(f"{pixels:,} pixels are suspect, those with a loss of {least:.2f} are as many")
    for one, loss, mask, issue in zip(predictions, losses, casnets, cleanlab_masks(predictions), strict=True):
        about = one.label, one.p.argmax(axis=0), one.difficulty.astype(np.float32)
        for name, by, suspect in (
            ("casnet audit", loss, mask),
            ("cleanlab", 1 - np.exp(-loss), issue),
            ("loss", loss, loss >= least),
        ):
            found[name] += [(one.image, region) for region in label_errors.ranked(by, suspect, *about)]
    return {name: sorted(regions, key=lambda pair: -pair[1].score) for name, regions in found.items()}


def detection_metrics(ranking: list[tuple[str, Suspect]], planted: list[Planted]) -> dict:
    """precision: of the first k regions those with at least half of their pixels in a planted error. recall: of the
    errors those with at least half of their pixels in one of the regions."""
    changed: dict[str, np.ndarray] = {}
    for error in planted:
        changed[error.image] = changed.get(error.image, False) | error.changed
    covered = {name: np.zeros(mask.shape, bool) for name, mask in changed.items()}
    hits, precision, recall = [], {}, {}
    for number, (image, region) in enumerate(ranking, 1):
        mask = changed.get(image)
        hits.append(mask is not None and mask[region.box][region.inside].mean() >= 0.5)
        if mask is not None:
            covered[image][region.box] |= region.inside
        if number in ENDS or number == len(ranking):
            found = [covered[error.image][error.changed].mean() >= 0.5 for error in planted]
            precision[number], recall[number] = float(np.mean(hits)), float(np.mean(found))
    kinds = np.array([error.kind for error in planted])
    by_kind = {kind: float(np.mean(np.array(found)[kinds == kind])) for kind in KINDS}
    return {"regions": len(ranking), "precision": precision, "recall": recall, "recall_of_all_by_kind": by_kind}


def image_metrics(predictions: list[Prediction], ranking: list[tuple[str, Suspect]], planted: list[Planted]) -> dict:
    """Average precision and precision at k of finding the images with an error: cleanlab's own ranking is of images."""
    from cleanlab.segmentation.rank import get_label_quality_scores
    from sklearn.metrics import average_precision_score

    bad = np.array([one.image in {error.image for error in planted} for one in predictions])
    best: dict[str, float] = {}
    for image, region in ranking:
        best.setdefault(image, region.score)
    softmin = []
    for one in predictions:
        p = one.p.astype(np.float32)[None]
        label = np.where(one.label == VOID, one.p.argmax(0), one.label).astype(int)[None]
        softmin.append(1 - get_label_quality_scores(label, p / p.sum(1, keepdims=True), verbose=False)[0][0])
    scores = {
        "casnet audit": np.array([best.get(one.image, 0) for one in predictions]),
        "cleanlab": np.array(softmin),
        "loss": np.array([label_errors.suspicion(one.p, one.label).mean() for one in predictions]),
    }
    found = {"images": len(predictions), "with an error": int(bad.sum())}
    for name, score in scores.items():
        order = np.argsort(-score)
        found[name] = {"average_precision": float(average_precision_score(bad, score))}
        found[name] |= {f"precision_at_{k}": float(bad[order[:k]].mean()) for k in ENDS}
    return found


@dataclass(frozen=True)
class Series:
    """Trainings of the folds of a data set, all alike but for the labels."""

    recipe: str
    """Its name or file."""
    settings: tuple[str, ...]
    """Values of `--set`."""
    folder: Path
    """Holds the folders of all trainings."""

    def crossval(self, name: str, data: Path, folds: list[int]) -> Path:
        """Train and measure these folds by `casnet crossval`; returns their folder."""
        words = list(itertools.chain.from_iterable(("--set", one) for one in self.settings))
        of_folds = "--folds", ",".join(map(str, folds))
        casnet("crossval", self.recipe, "--data", data, "--run", self.folder / name, *words, *of_folds, "--resume")
        return self.folder / name


def counts_of(run: Path, data: Store, folds: list[int]) -> list[PerImageCounts]:
    """The counts of each fold's test images, by the labels of `data`."""
    found = []
    for fold in folds:
        key = evaluation_key(trained.find_run(run / f"fold-{fold}"), data, "test")
        if key.per_image() is None:
            casnet("eval", "--run", run / f"fold-{fold}", "--data", data.path, "--split", "test", "--worst", 0)
        counts = key.per_image()
        assert counts is not None
        found.append(counts)
    return found


def retrained(series: Series, clean: Store, top: int, folds: list[int]) -> dict:
    """Accuracy by the labels as they were, of networks trained on those, on the planted ones and on the voided."""
    planted, voided = series.folder / "planted.h5", series.folder / "voided.h5"
    on_planted = series.folder / "on-planted"
    if not voided.is_file():
        casnet("audit", "--run", on_planted, "--data", planted, "--top", top)
        casnet("audit", "--run", on_planted, "--data", planted, "--apply-void", voided)
    runs = {
        "planted": on_planted,
        "clean": series.crossval("on-clean", clean.path, folds),
        "voided": series.crossval("on-voided", voided, folds),
    }
    counts = {name: counts_of(run, clean, folds) for name, run in runs.items()}
    found: dict = {"folds": folds} | {name: per_image.means(own) for name, own in counts.items()}
    for ours, theirs in (("clean", "planted"), ("voided", "planted"), ("voided", "clean")):
        found[f"{ours} - {theirs}"] = per_image.difference(counts[ours], counts[theirs])
    return found


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--top", type=int, default=200, help="regions that casnet audit lists and that are voided")
    parser.add_argument("--retrain", help="folds, by commas, that are trained again on clean and voided labels; all")
    parser.add_argument("--until", choices=("found", "retrained"), default="retrained")
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    clean = Store(options.data)
    every = list(range(1, clean.folds + 1))
    labels = {entry.name: np.asarray(entry.load().label) for entry in clean.entries()}
    spoilt, planted = plant(labels, len(clean.labels), options.seed)
    if not (folder / "planted.h5").is_file():
        write(clean, spoilt, folder / "planted.h5")
    length = f"training.epochs={options.epochs}", f"evaluation.every_epochs={options.epochs}"
    series = Series(options.recipe, (*length, *options.overrides), folder)
    run = series.crossval("on-planted", folder / "planted.h5", every)
    if not (folder / "found.json").is_file():
        predictions = predictions_of(run, Store(folder / "planted.h5"))
        ranked = rankings(predictions)
        found = {"errors": {kind: sum(one.kind == kind for one in planted) for kind in KINDS}}
        found |= {name: detection_metrics(ranking, planted) for name, ranking in ranked.items()}
        found |= {"of images": image_metrics(predictions, ranked["casnet audit"], planted)}
        (folder / "found.json").write_text(json.dumps(found, indent=2) + "\n")
    print((folder / "found.json").read_text())
    if options.until == "retrained":
        folds = [int(word) for word in options.retrain.split(",")] if options.retrain else every
        compared = json.dumps(retrained(series, clean, options.top, folds), indent=2) + "\n"
        (folder / "retrained.json").write_text(compared)
        print(compared)


if __name__ == "__main__":
    main()
