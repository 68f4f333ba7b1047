"""Predict with an exported file by its own runtime, without Keras and TensorFlow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from casnet_cli.errors import BackendError, InputError, RunError, reason
from casnet_cli.export import formats
from casnet_cli.export.base import PredictFunction, Session
from casnet_cli.export.metadata import Description, intensities_of
from casnet_cli.inference.protocol import WHOLE_PIXELS, Block, PixelOutputs
from casnet_cli.inference.stored_pixels import check_kind, unmeasured
from casnet_cli.runs.checkpoint import meta_of
from casnet_cli.runs.trained import TrainedRun
from casnet_cli.util.extras import pip_install
from casnet_cli.util.files import no_file

BATCH_PIXELS, BATCH = 1 << 18, 4
"""Pixels, and images, of a batch at most: less than in Keras, where larger ones are still faster."""

SHORTAGE = ("allocate", "failed to reshape")
"""Words in a runtime's error where memory does not suffice."""


def check_size(size: tuple[int, ...], scale: float) -> None:
    """Raises InputError for a height and width that are more than an exported file takes."""
    if size[0] * size[1] * scale**2 > WHOLE_PIXELS:
        most = WHOLE_PIXELS / scale**2 / 1e6
        raise InputError(f"--size {size[0]}x{size[1]}: an exported file takes {most:.1f} megapixels at most")


def open_session(file: Path) -> tuple[Session, Description]:
    """An exported file loaded into its runtime, and its description. Raises RunError, BackendError."""
    engine = formats.engine_of(file)
    if engine is None:
        raise RunError(f"{file}: not an exported file of these engines: {', '.join(formats.engines())}")
    kind = formats.FORMATS[engine]
    assert kind.open_session
    if kind.runtime and find_spec(kind.runtime) is None:
        raise BackendError(f"--engine {engine}: {kind.runtime} is not installed ({pip_install(kind.runtime)})")
    if not file.is_file():
        raise RunError(f"{file}: {no_file(file)}")
    return kind.open_session(file)


@dataclass(frozen=True)
class RuntimeInput:
    """An image ready to be given to an `ExportedPredictor`."""

    image: np.ndarray
    """(H, W, N) of the type and bands of the run, mostly uint8 RGB."""
    batch_limit: int
    """The largest number of images of its size in a batch."""

    @property
    def batch_key(self) -> tuple[int, ...]:
        """Images of one size may share a batch."""
        return self.image.shape


class ExportedPredictor:
    """A network in an exported file, as `casnet_cli.inference.protocol.Predictor` says. Raises RunError, BackendError.

    batch: the largest number of images in a batch; None: by their size.
    """

    def __init__(self, file: Path, batch: int | None = None):
        self._session, self.description = open_session(file)
        if part := self.description.get("part"):
            raise RunError(f"{file}: the {part} one of two files (an export without --two-files predicts by itself)")
        self._batch = batch
        self.has_probabilities = "probabilities" in self.description["outputs"]
        self.run = TrainedRun(file, meta_of(self.description, file), None)
        self._intensities = self.run.meta.intensities

    def prepare(self, image: np.ndarray) -> RuntimeInput:
        """Make an image (H, W, N) of the run's type and bands ready. Raises ValueError for one that the file cannot
        take."""
        check_kind(image, self._intensities)
        height, width = image.shape[:2]
        size = self.description["size"]
        if size and [height, width] != size:
            raise ValueError(f"is {height}x{width} pixels, and this model for {size[0]}x{size[1]} (export --size any)")
        if height * width * self.run.meta.recipe.evaluation.scale**2 > WHOLE_PIXELS:
            raise ValueError(
                f"its {height * width / 1e6:.1f} megapixels are too many for an exported model (--engine keras cuts "
                "into tiles)"
            )
        return RuntimeInput(image, self._batch or max(1, min(BATCH, BATCH_PIXELS // (height * width))))

    def predict_blocks(self, batch: Sequence[RuntimeInput]) -> Iterator[Iterator[Block]]:
        """For each image of a batch the one block that covers it."""
        for one, outputs in zip(batch, self.predict_batch(batch), strict=True):
            height, width = one.image.shape[:2]
            yield iter([(slice(0, height), slice(0, width), outputs)])

    def predict_batch(self, batch: Sequence[RuntimeInput]) -> Iterator[PixelOutputs]:
        """`mask` and `difficulty` of each image, (H, W); and where the file gives them `probabilities` (K, H, W), and
        then `confidence` (H, W). Raises MemoryError, NotNumbers, and RunError for a file that gives something else."""
        try:
            found = self._session({"image": np.stack([one.image for one in batch])})
        except Exception as error:  # the runtimes have no class of error for it
            if any(word in str(error) for word in SHORTAGE):
                raise MemoryError(reason(error)) from None
            raise
        self._check_promises(found, (len(batch), *batch[0].image.shape[:2]))
        for index in range(len(batch)):
            outputs = {name: x[index] for name, x in found.items()}
            if self.has_probabilities:
                p = outputs["probabilities"] = np.moveaxis(outputs["probabilities"], -1, 0)
                outputs["confidence"] = _confidence(p, self.run.meta.temperature)
            yield unmeasured(outputs, batch[index].image, self._intensities, len(self.run.meta.labels))

    def _check_promises(self, found: PixelOutputs, shape: tuple[int, ...]) -> None:
        """Raises RunError for outputs that are missing, or of other shapes or types than promised. shape: (B, H, W)."""
        promised = {"mask": (shape, np.uint8), "difficulty": (shape, np.float32)}
        if self.has_probabilities:
            promised["probabilities"] = ((*shape, len(self.run.meta.labels)), np.float32)
        for name, (expected, dtype) in promised.items():
            if (x := found.get(name)) is None or x.shape != expected or x.dtype != dtype:
                given = "nothing" if x is None else f"{x.shape} {x.dtype}"
                kept = f"{expected} {np.dtype(dtype)}"
                raise RunError(f"{self.run.file}: gives {given} for {name}, not {kept} (casnet export writes it anew)")

    def predict(self, image: np.ndarray) -> PixelOutputs:
        """The outputs for an image (H, W, N) of the run's type and bands, as of `predict_batch`."""
        return next(self.predict_batch([self.prepare(image)]))


def _confidence(p: np.ndarray, temperature: float | None) -> np.ndarray:
    """As `inference.pixel_outputs.calibrated`: the largest of softmax(log p / temperature), (K, H, W) → (H, W)."""
    cooled = p ** (1 / temperature) if temperature else p
    return cooled.max(axis=0) / cooled.sum(axis=0)


def predict_function(file: Path, parts: bool = False) -> PredictFunction:
    """A written export as other programs run it. parts: whether it is the first of two files. Raises CasnetError."""
    if parts:
        return two_files(file)
    kind = formats.format_of(file)
    return kind.load(file) if kind and kind.load else ExportedPredictor(file).predict


def two_files(coarse: Path) -> PredictFunction:
    """Both files of a pair in turn, the coarse one and always the fine one beside it."""
    first, description = open_session(coarse)
    second, intensities = open_session(coarse.with_name("fine.onnx"))[0], intensities_of(description, coarse)

    def predict(image: np.ndarray) -> PixelOutputs:
        found = first({"image": image[None]})
        cells = {name: found[name] for name in ("features", "coarse", "attention")}
        outputs = _single(second(cells | {"size": np.asarray(image.shape[:2], np.int32)}))
        return unmeasured(outputs, image, intensities, len(description["classes"]))

    return predict


def _single(found: PixelOutputs) -> PixelOutputs:
    """The outputs of a batch of one."""
    return {name: x[0] for name, x in found.items()}
