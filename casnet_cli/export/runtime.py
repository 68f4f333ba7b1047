"""Predict with an exported file by its own runtime, without Keras and TensorFlow."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.errors import BackendError, InputError, RunError, reason
from casnet_cli.export.metadata import SUFFIXES, of_litert, of_onnx
from casnet_cli.inference.protocol import WHOLE_PIXELS, Block, PixelOutputs
from casnet_cli.runs.checkpoint import meta_of
from casnet_cli.runs.trained import TrainedRun

RUNTIMES = {"onnx": "onnxruntime", "litert": "ai_edge_litert"}
"""Package of each engine; the extra has the engine's name."""

BATCH_PIXELS, BATCH = 1 << 18, 4
"""Pixels, and images, that are asked about at once."""

SHORTAGE = ("allocate", "failed to reshape")
"""In what a runtime says when memory does not suffice."""

Answer = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Of an image (H, W, 3) uint8: `mask`, `difficulty`, (H, W)."""

Run = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


def check_runtime(engine: str) -> None:
    """Raises EngineError, naming the extra, where the runtime of an engine is not installed."""
    if find_spec(RUNTIMES[engine]) is None:
        raise BackendError(f"--engine {engine}: {RUNTIMES[engine]} is not installed (pip install 'casnet[{engine}]')")


def check_size(size: tuple[int, int], scale: float) -> None:
    """Raises InputError for a height and width that is more than an exported file is asked about."""
    if size[0] * size[1] * scale**2 > WHOLE_PIXELS:
        most = WHOLE_PIXELS / scale**2 / 1e6
        raise InputError(f"--size {size[0]}x{size[1]}: an exported file takes {most:.1f} megapixels at most")


def opened(file: Path) -> tuple[Run, dict[str, Any]]:
    """A function from inputs to outputs by name, and the description. Raises RunError, EngineError."""
    engine = SUFFIXES[file.suffix]
    check_runtime(engine)
    if not file.is_file():
        raise RunError(f"{file}: no such file")
    return (_onnx if engine == "onnx" else _litert)(file)


def _onnx(file: Path) -> tuple[Run, dict[str, Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is an exception too
    try:
        session = onnxruntime.InferenceSession(str(file), options, onnxruntime.get_available_providers())
    except Exception as error:  # each kind of damage has a class of its own, with no base but this
        raise RunError(f"{file}: not a readable ONNX model: {reason(error)}") from None
    names = [output.name for output in session.get_outputs()]
    description = of_onnx(session.get_modelmeta().custom_metadata_map, file)
    return lambda given: dict(zip(names, session.run(names, given), strict=True)), description


def _litert(file: Path) -> tuple[Run, dict[str, Any]]:
    from ai_edge_litert.interpreter import Interpreter

    from casnet_cli import backend

    description = of_litert(file)
    try:
        with backend.silence():
            interpreter = Interpreter(str(file), num_threads=os.cpu_count())
            runner = interpreter.get_signature_runner()
            height, width = description["size"] or (1, 1)
            runner(image=np.zeros((1, height, width, 3), np.uint8))  # tells of itself at its first call
    except (ValueError, RuntimeError) as error:
        raise RunError(f"{file}: not a readable LiteRT model: {reason(error)}") from None
    return lambda given: runner(**given), description


@dataclass(frozen=True)
class PreparedImage:
    """An image (H, W, 3) uint8 RGB that may be asked about together with others of its size."""

    image: np.ndarray
    batch_limit: int

    @property
    def batch_key(self) -> tuple[int, ...]:
        return self.image.shape


class ExportedPredictor:
    """A network in a file. batch: most images asked about at once; None: by their size. Raises RunError, EngineError.

    tells: whether it tells probabilities, and so how sure it is.
    """

    def __init__(self, file: Path, batch: int | None = None):
        self._run, self.description = opened(file)
        if part := self.description.get("part"):
            raise RunError(f"{file}: the {part} one of two files (an export without --two-files answers alone)")
        self._batch = batch
        self.tells = "probabilities" in self.description["outputs"]
        self.run = TrainedRun(file, meta_of(self.description, file), None)

    def prepare(self, image: np.ndarray) -> PreparedImage:
        """Raises ValueError for an image that the file cannot be asked about."""
        height, width = image.shape[:2]
        size = self.description["size"]
        if size and [height, width] != size:
            raise ValueError(f"is {height}x{width} pixels, and this model for {size[0]}x{size[1]} (export --size any)")
        if height * width * self.run.meta.recipe.evaluation.scale**2 > WHOLE_PIXELS:
            raise ValueError(
                f"its {height * width / 1e6:.1f} megapixels are too many for an exported model (--engine keras cuts "
                "into tiles)"
            )
        return PreparedImage(image, self._batch or max(1, min(BATCH, BATCH_PIXELS // (height * width))))

    def predict_blocks(self, batch: Sequence[PreparedImage]) -> Iterator[Iterator[Block]]:
        """For each image of one size the one block that makes it up."""
        for one, said in zip(batch, self.predict_batch(batch), strict=True):
            height, width = one.image.shape[:2]
            yield iter([(slice(0, height), slice(0, width), said)])

    def predict_batch(self, batch: Sequence[PreparedImage]) -> Iterator[PixelOutputs]:
        """`mask` and `difficulty` of each image, (H, W); and `probabilities` (K, H, W) and `confidence` if it tells."""
        try:
            found = self._run({"image": np.stack([one.image for one in batch])})
        except Exception as error:  # the runtimes have no class of error for it
            if any(word in str(error) for word in SHORTAGE):
                raise MemoryError(reason(error)) from None
            raise
        for row in range(len(batch)):
            said = {name: x[row] for name, x in found.items()}
            if self.tells:
                p = said["probabilities"] = np.moveaxis(said["probabilities"], -1, 0)
                said["confidence"] = _confidence(p, self.run.meta.temperature)
            yield said

    def predict(self, image: np.ndarray) -> PixelOutputs:
        return next(self.predict_batch([self.prepare(image)]))


def _confidence(p: np.ndarray, temperature: float | None) -> np.ndarray:
    """`reading.calibrated`: the largest probability of softmax(log p / temperature), (K, H, W) → (H, W)."""
    cooled = p ** (1 / temperature) if temperature else p
    return cooled.max(axis=0) / cooled.sum(axis=0)


def two_files(coarse: Path) -> Answer:
    """The coarse file of a pair asked first, and then always the fine one beside it."""
    first, second = opened(coarse)[0], opened(coarse.with_name("fine.onnx"))[0]

    def answer(image: np.ndarray) -> dict[str, np.ndarray]:
        said = first({"image": image[None]})
        cells = {name: said[name] for name in ("features", "coarse", "attention")}
        return _alone(second(cells | {"size": np.asarray(image.shape[:2], np.int32)}))

    return answer


def _alone(said: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: x[0] for name, x in said.items()}
