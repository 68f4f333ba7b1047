"""How long a training takes: the times of its pieces so far, and what they say of those that are left.

What has not happened yet is predicted from what has; the constants were measured on two cores with the shipped recipes.
"""

import contextlib
import io
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from casnet_cli.data.images import UNREADABLE, by_pillow
from casnet_cli.data.store import Subset
from casnet_cli.inference.protocol import WHOLE_PIXELS
from casnet_cli.runs.progress import Progress
from casnet_cli.workflows import engine
from casnet_cli.workflows.train.plan import RunPlan

COMPILING = 4.0
"""Time to compile the first step over the time to build the network."""

FORWARD = 0.2
"""Time of a pixel that the network receives in a validation, over that of a pixel in a step."""

PIXEL, PIXEL_CLASS = 0.15e-6, 0.018e-6
"""Seconds to make and count the mask of a validation image, for each of its pixels, and for each class of each."""

TILED = 2.25
"""Pixels of tiles, which share a third of their sides, over those of their image."""

TRACED_ONCE, TRACED_TWICE = 0.4, 0.9
"""Time to compile the first validation over that of the first step: images of one size, images of several."""

CALIBRATION, CALIBRATION_SAVES = 1.5, 2.5
"""A calibration takes as long as so many validations and so many savings of a checkpoint."""

ENGINE = 3.2
"""Time to write, prove and time the files for ONNX Runtime over that to compile the first step."""

SAVED_BYTES = 150e6
"""Bytes of a checkpoint that are written in a second."""

MARGIN = 1.25
"""What is kept before a deadline over what the next pieces of work took at most."""

SAMPLED = 20
"""Validation images whose sizes are looked at, at most."""


@dataclass(frozen=True)
class Extent:
    """What is validated: facts of the validation images, and of the network on them."""

    network_pixels: float
    """Pixels of all validation images as the network receives them."""
    pixels: float
    """Pixels of all of them."""
    classes: int
    """Number of classes."""
    one_size: bool
    """Whether all of them are of one size."""

    @classmethod
    def of(cls, plan: RunPlan) -> "Extent":
        """The extent of a plan's validation, by the sizes of some images."""
        scale, sizes = plan.recipe.evaluation.scale, _sizes(plan.val_part)
        share = len(plan.val_part) / max(1, len(sizes))
        received = [width * height * scale**2 for width, height in sizes]
        whole = sum(pixels * (TILED if pixels > WHOLE_PIXELS else 1.0) for pixels in received)
        pixels = sum(width * height for width, height in sizes)
        return cls(share * whole, share * pixels, len(plan.store.labels), len(set(sizes)) == 1)


def _sizes(images: Subset) -> list[tuple[int, int]]:
    """Width and height of some images; one whose label is no PNG is left out, and the validation names it.

    Raises Unfit as a `Subset` does.
    """
    sizes = []
    for place in range(0, len(images), -(-len(images) // SAMPLED)):
        with contextlib.suppress(*UNREADABLE), by_pillow(io.BytesIO(images[place].label), ("PNG",)) as label:
            sizes.append(label.size)
    return sizes


@dataclass
class Pace:
    """Times of a training's pieces, in seconds. Call `step`, `validation` and `save` with each that was measured."""

    plan: RunPlan
    """What is trained."""
    begun: Progress
    """How far the training had come when this process took it up; not changed by what follows."""
    extent: Extent
    """What is validated."""
    weights: int = 0
    """Numbers in the network."""
    building: float = 0.0
    """Time to build the network."""
    before: float = 0.0
    """Time from the call of the command to the first step."""
    first: float | None = None
    """Time of the first step, compiling included."""
    steps: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    """Times of the last steps without the first."""
    validations: list[float] = field(default_factory=list)
    """Times of the validations, drawing of samples included; the first compiles."""
    saves: list[float] = field(default_factory=list)
    """Times to save a checkpoint."""

    def step(self, seconds: float) -> None:
        """A step was done. The first one compiles."""
        if self.first is None:
            self.first = seconds
        else:
            self.steps.append(seconds)

    @property
    def compiling(self) -> float:
        """Time to compile the first step."""
        if self.first is None:
            return COMPILING * self.building
        return max(0.0, self.first - self.step_seconds)

    @property
    def step_seconds(self) -> float:
        """Time of a step."""
        return statistics.median(self.steps) if self.steps else 0.0

    @property
    def save_seconds(self) -> float:
        """Time to save a checkpoint: each weight with its velocity, of four bytes each."""
        return statistics.median(self.saves) if self.saves else 8 * self.weights / SAVED_BYTES

    @property
    def tracing(self) -> float:
        """Time to compile the first validation."""
        return self.compiling * (TRACED_ONCE if self.extent.one_size else TRACED_TWICE)

    @property
    def validation_seconds(self) -> float:
        """Time of a validation that compiles nothing."""
        if len(self.validations) > 1:
            return statistics.median(self.validations[1:])
        if self.validations:
            return max(self.validations[0] - self.tracing, self.validations[0] / 4)
        recipe = self.plan.recipe
        forward = FORWARD * self.step_seconds / (recipe.training.batch_size * recipe.augmentation.crop**2)
        drawing = PIXEL + PIXEL_CLASS * self.extent.classes
        return self.extent.network_pixels * forward + self.extent.pixels * drawing

    @property
    def calibration_seconds(self) -> float:
        """Time of the calibration at the end."""
        return CALIBRATION * self.validation_seconds + CALIBRATION_SAVES * self.save_seconds

    @property
    def engine_seconds(self) -> float:
        """Time to write the files for ONNX Runtime at the end."""
        return ENGINE * self.compiling if engine.is_written() else 0.0

    def left(self, progress: Progress) -> float:
        """Time from there to the end: steps, validations, savings, the calibration, and the files for ONNX Runtime."""
        length = self.plan.length
        steps = length.steps - progress.step
        epochs = range(progress.epochs + 1, length.epochs + 1)
        validations = sum(length.validates(epoch) for epoch in epochs)
        every = self.plan.recipe.training.checkpoint_every_steps
        saves = len(epochs) + (steps // every if every else 0)
        tracing = 0.0 if self.validations else self.tracing
        work = steps * self.step_seconds + validations * self.validation_seconds + saves * self.save_seconds
        return work + tracing + self.calibration_seconds + self.engine_seconds

    def total(self) -> float:
        """Expected time of the whole command, from its call to its end."""
        return self.before + self.compiling + self.left(self.begun)

    def ahead(self, validates: bool, steps: int = 1) -> float:
        """What to keep before a deadline: so many steps, and a saving, each as long as the longest of late.

        validates: whether a validation and its own saving come before.
        """
        save = max(self.saves, default=self.save_seconds)
        longest = steps * max(self.steps, default=0.0) + save
        if validates:
            known: Sequence[float] = self.validations[1:] or self.validations
            longest += max(known, default=self.validation_seconds + self.tracing) + save
        return MARGIN * longest

    def ahead_of_calibration(self) -> float:
        """What to keep before a deadline for the calibration."""
        return MARGIN * self.calibration_seconds

    def ahead_of_engine(self) -> float:
        """What to keep before a deadline for the files for ONNX Runtime."""
        return MARGIN * self.engine_seconds
