"""Timing a network: forward pass, training step, its input, prediction of a folder, and a yardstick for all of it."""

import io
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from casnet_cli import backend, console
from casnet_cli.errors import BackendError, OutOfMemory
from casnet_cli.inference.batching import BatchGroups
from casnet_cli.util import memory
from casnet_cli.workflows.bench.target import BenchTarget

KEYS = (
    "forward_seconds",
    "images_per_second",
    "train_step_seconds",
    "train_images_per_second",
    "input_ratio",
    "end_to_end_ratio",
    "cascade",
    "gmac",
    "matmul_gflops",
    "share_of_matmul_rate",
    "peak_rss_bytes",
)

SIDE = 2048
"""Of the square matrices whose product is the yardstick."""

WARM = 2
"""Calls before the first that counts: the first compiles, the second still asks for memory."""

SECONDS = 5.0
"""What the timings of one quantity, or a block of calls that are timed together, last about."""

STEPS, IMAGES = (2, 10), (8, 64)
"""Fewest and most steps of a block, and images of a folder."""


class Bench:
    """A subject's network on this machine, ready to be timed. Raises RunError, EngineError.

    size: of the image of the forward pass, (height, width). wanted: of forward, train, input and predict.
    """

    def __init__(self, subject: BenchTarget, size: tuple[int, int], wanted: list[str], repeats: int):
        backend.start()
        from casnet_cli.training.step import set_up

        self.subject, self.size, self.wanted, self.repeats = subject, size, wanted, repeats
        self.recipe, training = subject.recipe, subject.recipe.training
        with backend.silence():
            self.devices = set_up(training)
        self._build()
        rng = np.random.default_rng(0)
        side = self.recipe.augmentation.crop
        image = rng.integers(0, 256, (training.batch_size, side, side, 3), np.uint8)
        self.held = image, rng.integers(0, subject.classes, image.shape[:3], np.uint8)

    def _build(self) -> None:
        """The network, and its step where one is timed. The weights decide what is written of an image, not speed."""
        from casnet_cli.inference.loading import predictor_of
        from casnet_cli.inference.pixel_outputs import prediction_outputs
        from casnet_cli.model.casnet import build_casnet
        from casnet_cli.runs import checkpoint
        from casnet_cli.training.train_state import assemble

        file, classes = self.subject.checkpoint, self.subject.classes
        temperature = checkpoint.read_meta(file).temperature if file else None
        if {"train", "input"} & set(self.wanted):
            trainee = assemble(self.recipe, classes, self.devices, pretrained=False)
            self.model, self.step = trainee.model, trainee.step
            if file:
                checkpoint.restore(file, trainee.model, trainee.optimizer)
        elif file:
            self.model, _ = checkpoint.load_model(file)
        else:
            self.model = build_casnet(self.recipe.model, classes, pretrained=False)
        self.network = predictor_of(self.model, self.recipe, prediction_outputs(temperature))

    def measure(self) -> dict[str, Any]:
        """A value for each of KEYS, None where not measured."""
        from casnet_cli.model.flops import multiply_adds

        answer: dict[str, Any] = dict.fromkeys(KEYS)
        side, precision = self.recipe.augmentation.crop, self.recipe.training.precision
        counts = multiply_adds(self.model, *(round(side * self.recipe.evaluation.scale) for side in self.size))
        answer["gmac"] = {part: count / 1e9 for part, count in counts.items()}
        measures = {"forward": self.forward, "train": self.train, "input": self.input, "predict": self.predict}
        rates = []
        for name in self.wanted:
            console.message(f"timing {name} …")
            answer |= measures[name]()
            if name in ("forward", "train"):  # the yardstick more than once, as the machine may be busy at times
                rates.append(matmul_rate(precision))
        if rates:
            answer["matmul_gflops"] = max(rates) / 1e9
            step = 3 * self.recipe.training.batch_size * multiply_adds(self.model, side, side)["total"]
            answer["share_of_matmul_rate"] = share(answer, counts["total"], step)
        answer["peak_rss_bytes"] = memory.memory_peak()
        return answer

    def forward(self) -> dict[str, float]:
        """One image, everything that prediction asks of it."""
        image = np.random.default_rng(0).integers(0, 256, (*self.size, 3), np.uint8)
        seconds = statistics.median(timings(lambda: self.network.predict(image), self.repeats))
        return {"forward_seconds": seconds, "images_per_second": 1 / seconds}

    def train(self) -> dict[str, float]:
        """A step on a batch that is there already."""
        seconds = statistics.median(timings(lambda: self._step(*self.held), self.repeats))
        return {"train_step_seconds": seconds, "train_images_per_second": len(self.held[0]) / seconds}

    def input(self) -> dict[str, float]:
        """Steps that wait for their batches as in training, in turn with steps on a batch that is there already."""
        from casnet_cli.data.loader import AHEAD

        batches = self._batches()
        seconds = min(timings(lambda: self._step(*self.held), 1, longest=0))
        count = _within(SECONDS / seconds, STEPS)

        def block(take: Callable[[], tuple[np.ndarray, np.ndarray]]) -> float:
            # Uncounted at first: batches that were made ready while none was taken, and the making of their successors.
            for _ in range(min(AHEAD, count)):
                self._step(*take())
            return elapsed(lambda: [self._step(*take()) for _ in range(count)])

        ratio = in_turn(lambda: block(lambda: next(batches)), lambda: block(lambda: self.held), self.repeats)
        return {"input_ratio": ratio}

    def predict(self) -> dict[str, Any]:
        """`casnet predict` on images of the data, and what its fine branch costs."""
        from casnet_cli.data.images import as_array, decode_rgb

        photos = self.subject.images("predict")
        assert photos, "the subject has an obstacle, and predict is not to be wanted"
        first = as_array(decode_rgb(io.BytesIO(photos[0].image)))
        seconds = min(timings(lambda: self.network.predict(first), 1, longest=0))
        count = min(len(photos), _within(SECONDS / seconds, IMAGES))
        with TemporaryDirectory(prefix="casnet-bench-") as name:
            for index in range(count):  # spread over the whole part, so that its sizes come as they are
                _write(Path(name) / f"{index:04d}", photos[index * len(photos) // count].image)
            ratio = self.end_to_end(Path(name), self.repeats)
        return {"end_to_end_ratio": ratio, "cascade": self._cascade(photos)}

    def end_to_end(self, folder: Path, repeats: int, warm: int = 1) -> float:
        """Images a second of `casnet predict` on a folder, by those of the bare network on its images, decoded."""
        from casnet_cli.data.images import as_array, decode_rgb
        from casnet_cli.prediction.image_pipeline import predict_folder
        from casnet_cli.prediction.inputs import find_images
        from casnet_cli.prediction.manifest import Manifest
        from casnet_cli.prediction.outputs import Outputs

        assert self.subject.labels
        with TemporaryDirectory(prefix="casnet-bench-") as name:
            outputs = Outputs(Path(name), self.subject.labels, "bench", resume=False)
            jobs = find_images([folder], outputs.folder)
            decoded = [as_array(decode_rgb(io.BytesIO(job.file.read_bytes()))) for job in jobs]

            def whole() -> float:
                with Manifest(outputs) as manifest:
                    return elapsed(lambda: list(predict_folder(self.network, jobs, manifest)))

            return in_turn(lambda: elapsed(lambda: self._ask(decoded)), whole, repeats, warm)

    def _cascade(self, photos: Any) -> dict[str, Any] | None:
        """What `--fine auto` costs and saves; None for a recipe without a run, or a variant without the branches."""
        from casnet_cli.runs.checkpoint import read_meta
        from casnet_cli.workflows.bench.early_exit import cascade

        file = self.subject.checkpoint
        if file is None or self.recipe.model.variant != "attention":
            return None
        console.message("timing the network with and without its fine branch …")
        easy = read_meta(file).calibration.get("easy") or {}
        return cascade(self.model, self.recipe.evaluation.scale, photos, easy.get("below"))

    def _ask(self, images: list[np.ndarray]) -> None:
        """The network about all of them, those of one size together."""
        groups: BatchGroups[Any] = BatchGroups()
        for image in images:
            ready = self.network.prepare(image)
            for batch in groups.add(ready, ready.batch_key, ready.batch_limit):
                list(self.network.predict_batch(batch))
        for batch in groups.rest():
            list(self.network.predict_batch(batch))

    def _batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        from casnet_cli.data.loader import training_batches
        from casnet_cli.model.backbones import BACKBONES

        training, mean = self.recipe.training, BACKBONES[self.recipe.model.backbone].mean
        part = self.subject.images("input")
        assert part, "the subject has an obstacle, and input is not to be wanted"
        for batch in training_batches(part, self.recipe.augmentation, mean, training.batch_size, training.seed):
            yield batch.image, batch.label

    def _step(self, image: np.ndarray, label: np.ndarray) -> Any:
        try:
            return self.step(image, label, 0.0)  # a rate of 0, so that no loss runs away
        except OutOfMemory:
            told = f"a step of {len(image)} images of {image.shape[1]}x{image.shape[2]} needs more memory than there is"
            raise BackendError(f"{self.subject.title}: {told} (lower training.batch_size by --set)") from None


def timings(call: Callable[[], Any], least: int, longest: float | None = None) -> list[float]:
    """Seconds of single calls after the warm-up: at least so many, and more while they take less than `longest`."""
    for _ in range(WARM):
        call()
    times: list[float] = []
    while len(times) < least or sum(times) < (SECONDS if longest is None else longest):
        times.append(elapsed(call))
    return times


def in_turn(one: Callable[[], float], other: Callable[[], float], repeats: int, warm: int = 1) -> float:
    """Median of what `one` says by that of `other`; both called in turn, the first times for nothing."""
    pairs = [(one(), other()) for _ in range(warm + repeats)][warm:]
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    return ours / theirs


def elapsed(call: Callable[[], Any]) -> float:
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


def share(answer: dict[str, Any], forward: int, step: int) -> float:
    """Of the yardstick's rate, what the training step reaches, or the forward pass where none was timed.

    forward: multiply-adds of an image, each two floating-point operations. step: those of a training step, three times
    its forward passes: also the gradients of activations and of weights are products of that size.
    """
    if answer["train_step_seconds"]:
        rate = 2 * step / answer["train_step_seconds"]
    else:
        rate = 2 * forward / answer["forward_seconds"]
    return rate / (1e9 * answer["matmul_gflops"])


def _within(number: float, limits: tuple[int, int]) -> int:
    return max(limits[0], min(limits[1], round(number)))


def _write(stem: Path, image: bytes) -> None:
    ending = ".png" if image.startswith(b"\x89PNG") else ".jpg"
    stem.with_suffix(ending).write_bytes(image)
