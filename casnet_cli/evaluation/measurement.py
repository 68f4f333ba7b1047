"""Evaluations on disk: what they are of, where they lie, and whether they still belong to that run."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from casnet_cli.data.layouts.division import listed_names
from casnet_cli.data.layouts.lists import Finder
from casnet_cli.data.store import Store, Subset
from casnet_cli.errors import DataError, InputError, RunError
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.runs import locate
from casnet_cli.runs.json_record import read_record
from casnet_cli.runs.measurement_record import EvaluationIdentity, MeasurementRecord
from casnet_cli.runs.trained import TrainedRun
from casnet_cli.util.files import no_file
from casnet_cli.util.text import count

METRICS_FILE = "metrics.json"
"""Name of the file; it is written last, as a sign that an evaluation is whole."""


@dataclass(frozen=True)
class EvalProtocol:
    """Settings of inference under which a run is evaluated."""

    tta: str = "none"
    """Test-time augmentation: one of `inference.predictor.PASSES`."""
    scale: float | None = None
    """Factor by which images are enlarged; None: the recipe's."""
    tile: int | None = None
    """Side of overlapping tiles in image pixels; None: whole images."""


@dataclass(frozen=True)
class EvaluationKey:
    """What one evaluation is of: a checkpoint, images, and settings. Its folder follows."""

    run: TrainedRun
    """The run, with its checkpoint."""
    store: Store
    """The data set."""
    split: str
    """`train`, `val` or `test`."""
    fold: int | None
    """Fold that divides the data; None: they have none."""
    protocol: EvalProtocol
    """Settings of inference."""
    images: Subset
    """The images: those of the split, or some of them."""
    limit: int | None = None
    """Number of the images, if they are spread evenly over those that there are; None: all."""
    listed_sha256: str | None = None
    """Digest of the names of a list, if the images are those of one."""

    @property
    def scale(self) -> float:
        """Factor by which images are enlarged."""
        own = self.run.meta.recipe.evaluation.scale
        return own if self.protocol.scale is None else self.protocol.scale

    @property
    def chosen(self) -> str:
        """The images in words: `24 test images`, `5 test images, spread evenly over the split`."""
        listed = " of a list" if self.listed_sha256 else ""
        spread = f", spread evenly over {'it' if listed else 'the split'}" if self.limit else ""
        return f"{count(len(self.images), f'{self.split} image')}{listed}{spread}"

    @cached_property
    def identity(self) -> EvaluationIdentity:
        """The first keys of metrics.json; a file with other values there is of another evaluation."""
        return EvaluationIdentity(
            data=self.store.name,
            data_sha256=self.store.content_sha256,
            split=self.split,
            fold=self.fold,
            tta=self.protocol.tta,
            scale=self.scale,
            tile=self.protocol.tile,
            limit=self.limit,
            listed_sha256=self.listed_sha256,
            checkpoint=self.run.file.name,
            checkpoint_sha256=self.run.sha256,
            step=self.run.meta.progress.step,
        )

    @property
    def folder(self) -> Path:
        """`eval/<split>` in the run's folder, followed by what differs from the run's own settings. Raises InputError
        for a checkpoint outside a run folder."""
        if self.run.folder is None:
            raise InputError(f"{self.run.file}: not inside a run folder (name the folder to write by --out DIR)")
        words = [self.split]
        if self.fold not in (None, self.run.meta.fold):
            words.append(f"fold-{self.fold}")
        if self.store.content_sha256 != self.run.meta.data_sha256:
            words.append(f"{self.store.name}-{self.store.content_sha256[:8]}")
        if not locate.is_best(self.run.file):
            words.append(self.run.file.stem)
        if self.protocol.tta != "none":
            words.append(self.protocol.tta)
        if self.scale != self.run.meta.recipe.evaluation.scale:
            words.append(f"scale-{self.scale:g}")
        if self.protocol.tile:
            words.append(f"tile-{self.protocol.tile}")
        if self.listed_sha256:
            words.append(f"list-{self.listed_sha256[:8]}")
        if self.limit:
            words.append(f"limit-{self.limit}")
        return self.run.folder / "eval" / "-".join(words)

    def read(self) -> MeasurementRecord | None:
        """The content of metrics.json; None if there is none, it is damaged, or it is of another evaluation."""
        try:
            record = read_record(MeasurementRecord, self.folder / METRICS_FILE)
        except RunError:
            return None
        own = record.model_dump(include=set(EvaluationIdentity.model_fields))
        return record if own == self.identity.model_dump() else None

    def per_image(self) -> PerImageCounts | None:
        """The counts of each image; None where `read` gives None or their file is damaged."""
        if self.read() is None:
            return None
        try:
            return per_image.load(self.folder / per_image.FILE)
        except RunError:
            return None


def evaluation_key(
    run: TrainedRun,
    store: Store,
    split: str | None = None,
    fold: int | None = None,
    protocol: EvalProtocol = EvalProtocol(),
    limit: int | None = None,
    listed: Path | None = None,
) -> EvaluationKey:
    """The evaluation of a run on a split, divided as in its training. Raises DataError if there are no such images.

    split: default test, else val; `train` is what the run was trained on, without what was added to the data since.
    fold: default the run's own. limit: so many images alone, spread evenly. listed: a list of names of images of the
    split; without `split`, of the first of test, val and train that has them all.
    """
    recipe = run.meta.recipe
    fold = run.meta.fold if fold is None and store.folds else fold
    fraction, seed = recipe.data.validation_fraction, recipe.training.seed
    parts = store.parts(fold, fraction, seed, version=run.meta.data_sha256)
    choices = [split] if split else [name for name in ("test", "val", "train") if name in parts]
    split = split or ("test" if "test" in parts else "val")
    if split not in parts:
        raise DataError(f"{store.path}: has no {split} images (it has {', '.join(parts)})")
    images, digest = parts[split], None
    if listed:
        split, images = _of_list(listed, {name: parts[name] for name in choices})
        digest = hashlib.sha256("\0".join(_names(images)).encode()).hexdigest()
    if limit is not None and limit < len(images):
        images = images.spread(limit)
    else:
        limit = None
    return EvaluationKey(run, store, split, fold, protocol, images, limit, digest)


def _names(images: Subset) -> list[str]:
    return [images.store.names[images.group][row] for row in images.positions]


def _of_list(listed: Path, parts: dict[str, Subset]) -> tuple[str, Subset]:
    """The first split that has all images of a list, and these in its order. Raises DataError of the first split."""
    if not listed.is_file():
        raise DataError(f"--split-file {listed}: {no_file(listed)} (name a text file, an image's name in each line)")
    failed = None
    for split, images in parts.items():
        names = _names(images)
        try:
            wanted = {name for _, _, name in listed_names(listed, Finder({name: Path(name) for name in names}))}
        except DataError as error:
            failed = failed or DataError(*(f"{fault}; of {split}" for fault in error.faults))
            continue
        if not wanted:
            raise DataError(f"{listed}: names no image")
        return split, images.at([place for place, name in enumerate(names) if name in wanted])
    assert failed is not None
    raise failed
