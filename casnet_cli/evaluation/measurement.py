"""Figures on disk: whose they are, where they lie, and whether they are still those of that run."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from casnet_cli.data.store import Store, Subset
from casnet_cli.errors import DataError, InputError, RunError
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.confusion import METRIC_NAMES
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.runs.trained import TrainedRun
from casnet_cli.util.files import sha256_of

METRICS = "metrics.json"


@dataclass(frozen=True)
class EvalProtocol:
    """How the images are asked about. tta: one of `model.answers.PASSES`. scale: by which they are enlarged, None
    for the recipe's. tile: the side of overlapping tiles, None for whole images."""

    tta: str = "none"
    scale: float | None = None
    tile: int | None = None


@dataclass(frozen=True)
class EvaluationKey:
    """A checkpoint on some images: split and fold of a store, asked in one way."""

    run: TrainedRun
    store: Store
    split: str
    fold: int | None
    protocol: EvalProtocol
    images: Subset

    @property
    def scale(self) -> float:
        own = self.run.meta.recipe.evaluation.scale
        return own if self.protocol.scale is None else self.protocol.scale

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What metrics.json says of the circumstances; figures with another identity are not of this measurement."""
        return {
            "data": self.store.name,
            "data_sha256": self.store.content_sha256,
            "split": self.split,
            "fold": self.fold,
            "tta": self.protocol.tta,
            "scale": self.scale,
            "tile": self.protocol.tile,
            "checkpoint": self.run.file.name,
            "checkpoint_sha256": sha256_of(self.run.file),
            "step": self.run.meta.progress.step,
        }

    @property
    def folder(self) -> Path:
        """`eval/<split>` of the run, with all that is not the run's own behind it. Raises InputError outside a run."""
        if self.run.folder is None:
            raise InputError(f"{self.run.file}: not inside a run folder (say where to write by --out DIR)")
        words = [self.split]
        if self.fold not in (None, self.run.meta.fold):
            words.append(f"fold-{self.fold}")
        if self.store.content_sha256 != self.run.meta.data_sha256:
            words.append(f"{self.store.name}-{self.store.content_sha256[:8]}")
        if self.run.file.name != "best.h5":
            words.append(self.run.file.stem)
        if self.protocol.tta != "none":
            words.append(self.protocol.tta)
        if self.scale != self.run.meta.recipe.evaluation.scale:
            words.append(f"scale-{self.scale:g}")
        if self.protocol.tile:
            words.append(f"tile-{self.protocol.tile}")
        return self.run.folder / "eval" / "-".join(words)

    def read(self) -> dict[str, Any] | None:
        """The content of metrics.json; None if there is none, it is damaged, or of another measurement."""
        try:
            told = json.loads((self.folder / METRICS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        whole = isinstance(told, dict) and all(key in told for key in (*METRIC_NAMES, "branches", "images"))
        return told if whole and all(told.get(key) == value for key, value in self.identity.items()) else None

    def per_image(self) -> PerImageCounts | None:
        """The counts of each image; None where `read` gives none or the file is damaged."""
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
) -> EvaluationKey:
    """The images as the run divided the data. split: default test, else val. fold: default the run's own.

    Raises DataError if there are no such images.
    """
    recipe = run.meta.recipe
    fold = run.meta.fold if fold is None and store.folds else fold
    parts = store.parts(fold, recipe.data.validation_fraction, recipe.training.seed)
    split = split or ("test" if "test" in parts else "val")
    if split not in parts:
        raise DataError(f"{store.path}: has no {split} images (it has {', '.join(parts)})")
    return EvaluationKey(run, store, split, fold, protocol, parts[split])
