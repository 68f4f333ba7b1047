"""Timing a network: forward pass, training step, its input, prediction of a folder, and matrix products beside them."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from casnet_cli import backend, console
from casnet_cli.errors import BackendError, OutOfMemory
from casnet_cli.inference.batching import BatchGroups
from casnet_cli.util import memory
from casnet_cli.workflows.bench.target import BenchTarget, random_image

if TYPE_CHECKING:
    from casnet_cli.data.store import Subset
    from casnet_cli.evaluation.early_exit import EarlyExitRecord
    from casnet_cli.inference.protocol import Predictor, PreparedInput

SIDE = 2048
"""Side of the square matrices whose product gives the rate to compare with."""

WARM_UP = 2
"""Calls before the first that counts: the first compiles, the second still allocates memory."""

SECONDS = 5.0
"""About the time for all timings of one quantity, or for a block of calls that are timed together."""

STEPS, IMAGES = (2, 10), (8, 64)
"""Smallest and largest number of steps in a block, and of images in a folder."""


@dataclass
class BenchResult:
    """The numbers of `casnet bench`; None: not measured."""

    forward_seconds: float | None = None
    """Time of an image."""
    images_per_second: float | None = None
    """Its inverse."""
    train_step_seconds: float | None = None
    """Time of a training step on a batch in memory."""
    train_images_per_second: float | None = None
    """Images of its batch over that time."""
    input_ratio: float | None = None
    """Time of a step that waits for its batch as in training, over that of a step on a batch in memory."""
    end_to_end_ratio: float | None = None
    """Images a second of `casnet predict` over those of the network alone."""
    cascade: "EarlyExitRecord | None" = None
    """What `--fine auto` costs and saves."""
    gmac: dict[str, float] = field(default_factory=dict)
    """Billions of multiply-adds of a forward pass, by part."""
    matmul_gflops: float | None = None
    """Rate of the back end's product of two large matrices, in billions of operations a second."""
    share_of_matmul_rate: float | None = None
    """Share of that rate which the training step reaches, or else the forward pass."""
    peak_rss_bytes: int | None = None
    """Largest memory of the process."""


class Bench:
    """The network of a target on this machine, ready to be timed."""

    def __init__(self, target: BenchTarget, size: tuple[int, int], quantities: list[str], repeats: int):
        """size: height and width of the image of the forward pass. quantities: of forward, train, input and predict.

        Raises RunError, BackendError.
        """
        backend.start()
        from casnet_cli.training.step import set_up

        self.target, self.size, self.quantities, self.repeats = target, size, quantities, repeats
        self.recipe, training = target.recipe, target.recipe.training
        with backend.silence():
            self.devices = set_up(training)
        self._build()
        rng = np.random.default_rng(0)
        side = self.recipe.augmentation.crop
        bands = self.model.input_shape[-1]
        image = rng.integers(0, 256, (training.batch_size, side, side, bands), np.uint8)
        image = image if target.intensities.plain else image.astype(np.float32)  # as the loader gives them
        self.batch = image, rng.integers(0, target.classes, image.shape[:3], np.uint8)

    def _build(self) -> None:
        """The network, and its step where one is timed. Its weights decide what files hold, not how fast it is."""
        from casnet_cli.inference.loading import predictor_of
        from casnet_cli.inference.outputs import prediction_outputs
        from casnet_cli.model.casnet import build_casnet
        from casnet_cli.runs import checkpoint
        from casnet_cli.training.train_state import assemble

        file, classes = self.target.checkpoint, self.target.classes
        temperature = checkpoint.read_meta(file).temperature if file else None
        if {"train", "input"} & set(self.quantities):
            state = assemble(self.recipe, classes, self.devices, pretrained=False)
            self.model, self.step = state.model, state.step
            if file:
                checkpoint.restore(file, state.model, state.optimizer)
        elif file:
            self.model, _ = checkpoint.load_model(file)
        else:
            self.model = build_casnet(self.recipe.model, classes, pretrained=False)
        outputs, intensities = prediction_outputs(temperature), self.target.intensities
        self.predictor: Predictor = predictor_of(self.model, self.recipe, outputs, intensities=intensities)

    def measure(self) -> BenchResult:
        """Measure all quantities."""
        from casnet_cli.model.flops import multiply_adds

        result = BenchResult()
        side, precision = self.recipe.augmentation.crop, self.recipe.training.precision
        counts = multiply_adds(self.model, *(round(side * self.recipe.evaluation.scale) for side in self.size))
        result.gmac = {part: count / 1e9 for part, count in counts.items()}
        measures = {"forward": self.forward, "train": self.train, "input": self.input, "predict": self.predict}
        rates = []
        for name in self.quantities:
            console.message(f"timing {name} …")
            measures[name](result)
            if name in ("forward", "train"):  # measured again, as the machine may be busy at times
                rates.append(matmul_rate(precision))
        if rates:
            result.matmul_gflops = max(rates) / 1e9
            step = 3 * self.recipe.training.batch_size * multiply_adds(self.model, side, side)["total"]
            result.share_of_matmul_rate = share_of_matmul_rate(result, counts["total"], step)
        result.peak_rss_bytes = memory.memory_peak()
        return result

    def forward(self, result: BenchResult) -> None:
        """Time the prediction of one image."""
        image = random_image(self.size, self.target.intensities)
        seconds = statistics.median(timings(lambda: self.predictor.predict(image), self.repeats))
        result.forward_seconds, result.images_per_second = seconds, 1 / seconds

    def train(self, result: BenchResult) -> None:
        """Time a step on a batch in memory."""
        seconds = statistics.median(timings(lambda: self._step(*self.batch), self.repeats))
        result.train_step_seconds, result.train_images_per_second = seconds, len(self.batch[0]) / seconds

    def input(self, result: BenchResult) -> None:
        """Time steps that wait for their batches as in training, in turn with steps on a batch in memory."""
        from casnet_cli.data.loader import AHEAD

        batches = self._batches()
        seconds = min(timings(lambda: self._step(*self.batch), 1, longest=0))
        count = _within(SECONDS / seconds, STEPS)

        def block(take: Callable[[], tuple[np.ndarray, np.ndarray]]) -> float:
            # The first ones do not count: their batches were made ready while no step was running.
            for _ in range(min(AHEAD, count)):
                self._step(*take())
            return elapsed(lambda: [self._step(*take()) for _ in range(count)])

        result.input_ratio = in_turn(
            lambda: block(lambda: next(batches)), lambda: block(lambda: self.batch), self.repeats
        )

    def predict(self, result: BenchResult) -> None:
        """Time `casnet predict` on images of the data, and measure what its fine branch costs."""
        from casnet_cli.data.pixels.stored import decode_pixels

        photos = self.target.images("predict")
        assert photos, "predict is no quantity of a target that has an obstacle to it"
        first = decode_pixels(photos[0].image, self.target.intensities)
        seconds = min(timings(lambda: self.predictor.predict(first), 1, longest=0))
        count = min(len(photos), _within(SECONDS / seconds, IMAGES))
        with TemporaryDirectory(prefix="casnet-bench-") as name:
            for index in range(count):  # spread over the whole part, so that its sizes come as they are
                _write(Path(name) / f"{index:04d}", photos[index * len(photos) // count].image)
            result.end_to_end_ratio = self.end_to_end(Path(name), self.repeats)
        result.cascade = self._early_exit(photos)

    def end_to_end(self, folder: Path, repeats: int, warm: int = 1) -> float:
        """Images a second of `casnet predict` on a folder, over those of the network alone on its decoded images."""
        from casnet_cli.data.pixels.stored import decode_pixels
        from casnet_cli.prediction.image_pipeline import predict_folder
        from casnet_cli.prediction.inputs import find_images
        from casnet_cli.prediction.manifest import Manifest
        from casnet_cli.prediction.outputs import Outputs
        from casnet_cli.prediction.picture_reader import PictureReader

        assert self.target.labels
        with TemporaryDirectory(prefix="casnet-bench-") as name:
            outputs = Outputs(Path(name), self.target.labels, "bench", resume=False)
            jobs = find_images([folder], outputs.folder)
            intensities = replace(self.target.intensities, chosen=None)  # stored images hold the chosen bands alone
            decoded = [decode_pixels(job.file.read_bytes(), intensities) for job in jobs]

            def whole() -> float:
                with Manifest(outputs) as manifest:
                    return elapsed(
                        lambda: list(predict_folder(self.predictor, jobs, manifest, PictureReader(intensities)))
                    )

            return in_turn(lambda: elapsed(lambda: self._predict(decoded)), whole, repeats, warm)

    def _early_exit(self, images: "Subset") -> "EarlyExitRecord | None":
        """What `--fine auto` costs and saves; None for a recipe without a run, or a variant without the branches."""
        from casnet_cli.runs.checkpoint import read_meta
        from casnet_cli.workflows.bench.early_exit import measure_early_exit

        file = self.target.checkpoint
        if file is None or self.recipe.model.variant != "attention":
            return None
        console.message("timing the network with and without its fine branch …")
        easy = read_meta(file).calibration.get("easy")
        below, intensities = easy["below"] if easy else None, self.target.intensities
        return measure_early_exit(self.model, self.recipe.evaluation.scale, images, below, intensities)

    def _predict(self, images: list[np.ndarray]) -> None:
        """Predict all images, those of one size in batches."""
        groups: BatchGroups[PreparedInput] = BatchGroups()
        for image in images:
            prepared = self.predictor.prepare(image)
            for batch in groups.add(prepared, prepared.batch_key, prepared.batch_limit):
                list(self.predictor.predict_batch(batch))
        for batch in groups.rest():
            list(self.predictor.predict_batch(batch))

    def _batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        from casnet_cli.data.loader import training_batches
        from casnet_cli.model.backbones import BACKBONES

        training, mean = self.recipe.training, BACKBONES[self.recipe.model.backbone].means(self.model.input_shape[-1])
        part = self.target.images("input")
        assert part, "input is no quantity of a target that has an obstacle to it"
        for batch in training_batches(part, self.recipe.augmentation, mean, training.batch_size, training.seed):
            yield batch.image, batch.label

    def _step(self, image: np.ndarray, label: np.ndarray) -> object:
        try:
            return self.step(image, label, 0.0)  # with a learning rate of 0 no loss can diverge
        except OutOfMemory:
            height, width = image.shape[1:3]
            raise BackendError(
                f"{self.target.title}: a step of {len(image)} images of {height}x{width} needs more memory than there "
                "is (lower training.batch_size by --set)"
            ) from None


def timings(call: Callable[[], object], least: int, longest: float | None = None) -> list[float]:
    """Seconds of single calls after the warm-up: at least `least` of them, more while they last less than `longest`."""
    for _ in range(WARM_UP):
        call()
    times: list[float] = []
    while len(times) < least or sum(times) < (SECONDS if longest is None else longest):
        times.append(elapsed(call))
    return times


def in_turn(one: Callable[[], float], other: Callable[[], float], repeats: int, warm: int = 1) -> float:
    """Median result of `one` over that of `other`; both are called in turn, and the first `warm` times do not count."""
    pairs = [(one(), other()) for _ in range(warm + repeats)][warm:]
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    return ours / theirs


def elapsed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def matmul_rate(dtype: str) -> float:
    """Floating-point operations a second of the back end's product of two SIDE x SIDE matrices."""
    from keras import ops

    values = np.random.default_rng(0).normal(size=(SIDE, SIDE)) / SIDE**0.5  # the product has about their size
    matrix = ops.cast(ops.convert_to_tensor(values), dtype)

    def chain(length: int) -> None:
        product = matrix
        for _ in range(length):
            product = ops.matmul(product, matrix)
        ops.convert_to_numpy(ops.cast(product[0, 0], "float32"))  # waits for all of them

    chain(1)
    length = _within(0.05 / elapsed(lambda: chain(1)), (1, 256))
    return 2 * SIDE**3 * length / statistics.median(timings(lambda: chain(length), 5, SECONDS / 5))


def share_of_matmul_rate(result: BenchResult, forward: int, step: int) -> float:
    """Share of the rate of a matrix product that the training step reaches, or the forward pass where no step is timed.

    forward: multiply-adds of an image, each two floating-point operations. step: those of a training step, three times
    its forward passes: the gradients of activations and of weights are products of that size too.
    """
    assert result.matmul_gflops
    if result.train_step_seconds:
        rate = 2 * step / result.train_step_seconds
    else:
        assert result.forward_seconds
        rate = 2 * forward / result.forward_seconds
    return rate / (1e9 * result.matmul_gflops)


def _within(number: float, limits: tuple[int, int]) -> int:
    return max(limits[0], min(limits[1], round(number)))


def _write(stem: Path, image: bytes) -> None:
    kinds = {b"\x89PNG": ".png", b"II*\0": ".tif"}
    ending = next((ending for start, ending in kinds.items() if image.startswith(start)), ".jpg")
    stem.with_suffix(ending).write_bytes(image)
