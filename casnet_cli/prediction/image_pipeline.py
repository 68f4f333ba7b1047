"""Label images: decoding, computing and writing side by side, each with a bounded queue; a transaction an image."""

import io
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import IO, Any, Protocol

import numpy as np

from casnet_cli.data.images import UNREADABLE, as_array, decode_rgb, size_of
from casnet_cli.errors import reason
from casnet_cli.inference.batching import BatchGroups
from casnet_cli.prediction.inputs import STDIN, Job, check_regular
from casnet_cli.prediction.manifest import Keeping, Manifest, fingerprint
from casnet_cli.prediction.writers import Unsaved
from casnet_cli.util import memory

AHEAD, BEHIND = 8, 16
"""Images decoded before their turn, and images being written."""

PIXELS = 1 << 24
"""Of all images between decoding and writing together; a larger one has them all for itself."""

BYTES_PER_PIXEL = 9
"""That a large image needs beside the network: twice its colours while it is decoded or drawn over, and its answer."""

SHORT = "not enough memory to ask the network about it (a smaller --tile or --batch)"


class Network(Protocol):
    """Of `casnet_cli.inference.predictor`: images are prepared one by one, and asked about in groups."""

    def prepare(self, image: np.ndarray) -> Any: ...
    def ask(self, batch: Sequence[Any]) -> Iterator[Iterator[tuple[slice, slice, dict[str, np.ndarray]]]]: ...


class PixelBudget:
    """Pixels in flight: who asks for more than are left waits, unless there are none in flight at all."""

    def __init__(self, most: int):
        self._left, self._most, self._changed = most, most, threading.Condition()

    def take(self, pixels: int) -> int:
        """Returns what to give back."""
        pixels = min(pixels, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= pixels)
            self._left -= pixels
        return pixels

    def give(self, pixels: int) -> None:
        with self._changed:
            self._left += pixels
            self._changed.notify_all()


@dataclass(frozen=True)
class Loaded:
    """An image ready for the network. pixels: of `PixelBudget`, to give back."""

    job: Job
    image: np.ndarray
    ready: Any
    pixels: int
    input: str | None


def predict_folder(network: Network, jobs: list[Job], manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Label every job, and yield its line of the manifest once its files are written.

    Images come in the order in which they are ready. One that cannot be read is a line that says so. Raises InputError
    if the output folder cannot be written.
    """
    outputs, room, todo = manifest.outputs, PixelBudget(PIXELS), iter(jobs)
    groups: BatchGroups[Loaded] = BatchGroups(2 * AHEAD)
    loading: dict[Future[Loaded], Job] = {}
    saving: deque[Future[dict[str, Any]]] = deque()
    with ThreadPoolExecutor(2) as reading, ThreadPoolExecutor(2) as writing:

        def work(batch: list[Loaded]) -> None:
            for one, answer, seconds in ask(network, batch, outputs):
                saving.append(writing.submit(save, one, answer, seconds, outputs, room))

        try:
            while True:
                while len(loading) < AHEAD and (job := next(todo, None)):
                    loading[reading.submit(load, job, network, room)] = job
                if not loading and not groups:
                    break
                ready = wait(loading, 0 if groups else None, FIRST_COMPLETED).done if loading else set()
                for future in ready:
                    job = loading.pop(future)
                    try:
                        one = future.result()
                    except (*UNREADABLE, MemoryError) as error:
                        yield manifest.failed(job, reason(error))
                        continue
                    for batch in groups.add(one, one.ready.group, one.ready.together):
                        work(batch)
                if not ready and groups:  # better a small batch than an idle processor
                    work(groups.oldest())
                while saving and (saving[0].done() or len(saving) > BEHIND):
                    yield manifest.add(saving.popleft().result())
            while saving:
                yield manifest.add(saving.popleft().result())
        finally:
            for unfinished in (*loading, *saving):
                unfinished.cancel()  # type: ignore[attr-defined]
            room.give(1 << 62)  # nobody waits for room any more


def load(job: Job, network: Network, room: PixelBudget) -> Loaded:
    """Decode and prepare an image when there is room for it. Raises one of UNREADABLE, MemoryError."""
    if job.fault:
        raise ValueError(job.fault)
    told = fingerprint(job.file)
    check_regular(job.file)
    with _opened(job) as file:
        width, height = size_of(file)
        check_memory(width * height)
        taken = room.take(width * height)
        try:
            image = as_array(decode_rgb(file, oriented=True))
            return Loaded(job, image, network.prepare(image), taken, told)
        except BaseException:
            room.give(taken)
            raise


def _opened(job: Job) -> IO[bytes]:
    if job.file != STDIN:
        return open(job.file, "rb")
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return io.BytesIO(sys.stdin.buffer.read())


def check_memory(pixels: int) -> None:
    """Raises MemoryError if an image of so many pixels would not fit beside what is in use."""
    free = memory.memory_available()
    needed = pixels * BYTES_PER_PIXEL
    if free is not None and needed > free:
        raise MemoryError(
            f"its {pixels / 1e6:,.0f} megapixels need {needed / 2**30:.1f} GiB ({free / 2**30:.1f} are free)"
        )


def ask(network: Network, batch: list[Loaded], outputs: Keeping) -> Iterator[tuple[Loaded, Any, float]]:
    """Each image with its answer, or in words why there is none, and the seconds that it took."""
    began = time.perf_counter()
    blocks = network.ask([one.ready for one in batch])
    for one in batch:
        try:
            answer: Any = outputs.answer(one.image.shape[:2])
            for block in next(blocks):
                answer.add(*block)
        except Exception as error:
            if not is_shortage(error):
                raise
            answer = SHORT
            blocks = network.ask([other.ready for other in batch[batch.index(one) + 1 :]])
        now = time.perf_counter()
        yield one, answer, now - began
        began = now


def is_shortage(error: Exception) -> bool:
    """Whether a library ran out of memory; each has an error of its own."""
    return isinstance(error, MemoryError) or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")


def save(one: Loaded, answer: Any, seconds: float, outputs: Keeping, room: PixelBudget) -> dict[str, Any]:
    """Write the files of an image; returns its line of the manifest. Raises InputError."""
    began = time.perf_counter()
    try:
        if isinstance(answer, str):
            raise Unsaved(answer)
        told = outputs.save(one.job, one.image, answer)
        return told | {"input": one.input, "seconds": round(seconds + time.perf_counter() - began, 4)}
    except Unsaved as fault:
        return {"file": str(one.job.file), "status": "failed", "error": str(fault)}
    finally:
        room.give(one.pixels)
