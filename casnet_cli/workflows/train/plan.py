"""What a training is to do: a recipe on the images of a data set, checked before anything is started."""

from dataclasses import dataclass
from pathlib import Path

from casnet_cli.data.pixels.take import in_words
from casnet_cli.data.store import Store, Subset
from casnet_cli.errors import DataError, RecipeError
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.progress import CLASS, Progress
from casnet_cli.training.loop import TrainingLength
from casnet_cli.training.schedule import Schedule
from casnet_cli.workflows.recipe_choice import Choice


@dataclass(frozen=True)
class RunPlan:
    """A recipe on its data."""

    name: str
    """Name of the recipe, for the run folder."""
    recipe: Recipe
    """The recipe, with every key."""
    store: Store
    """The data set."""
    fold: int | None
    """Fold of the cross-validation; None: the data have no folds."""
    train_part: Subset
    """Images that are trained on."""
    val_part: Subset
    """Images that are held out, for validation."""
    length: TrainingLength
    """Steps and epochs."""
    recipe_name: str | None = None
    """Name of the recipe, for the run's record; None: not known."""

    @classmethod
    def of(cls, choice: Choice, store: Store, fold: int | None) -> "RunPlan":
        """The plan for a recipe on a data set. Raises DataError if there are too few images or labels to train."""
        section, training = choice.recipe.data, choice.recipe.training
        parts = store.parts(fold, section.validation_fraction, training.seed, section.validation == "stored")
        for split in ("train", "val"):
            if split not in parts:
                raise DataError(f"{store.path}: has no {split} images left (at least two are needed to train)")
        if not any(store.statistics()["class_pixels"]):
            raise DataError(f"{store.path}: no pixel of it is labelled (nothing to learn from)")
        bands, own = store.intensities.bands, choice.recipe.model.input_bands
        if len(bands) != own:
            raise DataError(f"{store.path}: has {in_words(bands)}, and model.input_bands is {own}")
        _check_best(choice.recipe.evaluation.best, store)
        images = len(parts["train"])
        if training.batch_size > images:
            few = f"{images} training images"
            raise DataError(f"{store.path}: {few}, fewer than training.batch_size = {training.batch_size} (lower it)")
        steps = max(1, round(images / training.batch_size))
        length = TrainingLength(steps, training.epochs, choice.recipe.evaluation.every_epochs)
        own_fold = 1 if store.folds and fold is None else fold
        name, recipe, train, val = choice.name, choice.recipe, parts["train"], parts["val"]
        return cls(name, recipe, store, own_fold, train, val, length, choice.recipe_name)

    def held_out_in_vain(self, begun_with: Meta) -> int:
        """How many of the images that are held out the network was trained on whose weights this run begins with.

        Known of networks that were trained on these data or an earlier version; 0 for others.
        """
        section, digest = begun_with.recipe.data, begun_with.data_sha256
        if self.store.images_of(digest) is None:
            return 0
        seed, stored = begun_with.recipe.training.seed, section.validation == "stored"
        parts = self.store.parts(begun_with.fold, section.validation_fraction, seed, stored, version=digest)
        return len(set(parts["train"].positions) - set(self.train_part.positions))

    def schedule(self) -> Schedule:
        """A learning rate's schedule at its beginning."""
        return Schedule(self.recipe.schedule, self.recipe.optimizer.learning_rate, self.length.steps)


def _check_best(best: str, store: Store) -> None:
    """Raises RecipeError if `evaluation.best` names a class that the data lack."""
    name = best.removeprefix(CLASS)
    if best.startswith(CLASS) and name not in store.labels.names:
        classes = ", ".join(store.labels.names)
        raise RecipeError(f"evaluation.best: {store.name} has no class {name!r} (one of {classes})")


@dataclass(frozen=True)
class Start:
    """Where a training starts: at random or pre-trained weights, another run's, or this run's last checkpoint."""

    run: Path | None = None
    """The run folder; None: a new one is made."""
    init: Path | None = None
    """Checkpoint of another run whose weights it begins with."""
    saved: Meta | None = None
    """Meta of the run's last checkpoint, if it goes on."""

    def progress(self) -> Progress:
        """How far training has come."""
        return self.saved.progress if self.saved else Progress()

    def schedule(self, plan: RunPlan) -> Schedule:
        """The learning rate's schedule of a plan, as far as training has come."""
        schedule = plan.schedule()
        if self.saved:
            schedule.restore(self.saved.schedule)
        return schedule

    def finished(self, plan: RunPlan) -> bool:
        """Whether nothing of a plan is left to do."""
        return self.schedule(plan).finished or self.progress().epochs >= plan.length.epochs
