"""Label images: reading, prediction and writing run side by side, with a limit on the images between two of them."""

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import cast

import numpy as np

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.limits import EXTRA_BYTES
from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.data.pixels.read import content_of
from casnet_cli.data.pixels.take import shown
from casnet_cli.errors import reason
from casnet_cli.inference.batching import BatchGroups
from casnet_cli.inference.protocol import Predictor, PreparedInput
from casnet_cli.inference.sound import NotNumbers
from casnet_cli.inference.stored_pixels import void_where
from casnet_cli.prediction.gaps import Gaps
from casnet_cli.prediction.inputs import STDIN, Job, check_regular
from casnet_cli.prediction.large_picture import LargePicture, UnreadablePart
from casnet_cli.prediction.manifest import Manifest, Result, ResultWriter, fingerprint
from casnet_cli.prediction.manifest_entry import ManifestEntry
from casnet_cli.prediction.picture_reader import PictureReader
from casnet_cli.prediction.writers import Unsaved
from casnet_cli.util import memory

AHEAD, BEHIND = 8, 16
"""Images that are read before their turn, and images that wait to be written."""

PIXELS = 1 << 24
"""Of all images between reading and writing together, as 8-bit RGB; a larger image is alone there."""

BYTES_PER_PIXEL = 9
"""Memory that a large image of 8-bit RGB needs beside the network: its colours twice, while they are decoded or an
overlay is drawn, and its prediction."""

OUT_OF_MEMORY = "not enough memory to predict its classes (a smaller --tile or --batch)"
"""Why an input failed whose pixels the network could not take in."""


class PixelBudget:
    """Limits the pixels of all images in memory. An image larger than the limit may come when no other is there."""

    def __init__(self, most: int):
        self._left, self._most, self._changed = most, most, threading.Condition()

    def take(self, pixels: int) -> int:
        """Wait until there is space for so many pixels; returns how many to give back."""
        pixels = min(pixels, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= pixels)
            self._left -= pixels
        return pixels

    def give(self, pixels: int) -> None:
        """Return pixels that were taken."""
        with self._changed:
            self._left += pixels
            self._changed.notify_all()


@dataclass(frozen=True)
class LoadedImage:
    """An image that is ready for the network."""

    job: Job
    """Its file and the names of its outputs."""
    image: np.ndarray | LargePicture
    """(H, W, N) of the run's type of pixels: mostly uint8 RGB."""
    prepared: PreparedInput
    """What the predictor takes."""
    pixels: int
    """To give back to the `PixelBudget`."""
    input: str | None
    """Digest of the file, see `fingerprint`."""
    georeference: Georeference | None = None
    """Where it lies on the earth."""
    gaps: Gaps | None = None
    """Where the file itself says that nothing was measured; None: it does not say it."""


def predict_folder(
    predictor: Predictor,
    jobs: list[Job],
    manifest: Manifest[ResultWriter[Result]],
    reader: PictureReader | None = None,
) -> Iterator[ManifestEntry]:
    """Label every job, and yield its line of the manifest once its files are written.

    reader: reads the pictures as the run takes them, and keeps what it decided; None: as 8-bit RGB.

    Lines come in the order in which images are ready. An image that cannot be read has a line with the reason. Raises
    InputError if the output folder cannot be written.
    """
    outputs, budget, todo = manifest.outputs, PixelBudget(PIXELS), iter(jobs)
    reader = reader or PictureReader()
    groups: BatchGroups[LoadedImage] = BatchGroups(2 * AHEAD)
    loading: dict[Future[LoadedImage], Job] = {}
    saving: deque[Future[ManifestEntry]] = deque()
    with ThreadPoolExecutor(2) as reading, ThreadPoolExecutor(2) as writing:

        def run(batch: list[LoadedImage]) -> None:
            for loaded, result, seconds in predict_batch(predictor, batch, outputs):
                saving.append(writing.submit(save, loaded, result, seconds, outputs, budget, reader))

        try:
            while True:
                while len(loading) < AHEAD and (job := next(todo, None)):
                    loading[reading.submit(load, job, predictor, budget, reader)] = job
                if not loading and not groups:
                    break
                ready = wait(loading, 0 if groups else None, FIRST_COMPLETED).done if loading else set()
                for future in ready:
                    job = loading.pop(future)
                    try:
                        loaded = future.result()
                    except (*UNREADABLE, MemoryError) as error:
                        yield manifest.failed(job, reason(error))
                        continue
                    for batch in groups.add(loaded, loaded.prepared.batch_key, loaded.prepared.batch_limit):
                        run(batch)
                if not ready and groups:  # better a small batch than an idle processor
                    run(groups.oldest())
                while saving and (saving[0].done() or len(saving) > BEHIND):
                    yield manifest.add(saving.popleft().result())
            while saving:
                yield manifest.add(saving.popleft().result())
        finally:
            for unfinished in (*loading, *saving):
                unfinished.cancel()  # type: ignore[attr-defined]
            budget.give(1 << 62)  # so that no thread waits for pixels any more


def load(job: Job, predictor: Predictor, budget: PixelBudget, reader: PictureReader) -> LoadedImage:
    """Decode and prepare an image once there is space for it. Raises one of UNREADABLE, MemoryError."""
    if job.fault:
        raise ValueError(job.fault)
    digest = fingerprint(job.file)
    check_regular(job.file)
    if job.file != STDIN and (large := reader.large(job.file)):
        prepared = predictor.prepare(cast(np.ndarray, large))
        return LoadedImage(job, large, prepared, budget.take(PIXELS), digest, large.georeference, large.gaps)
    content = _content(job)
    facts = reader.facts(content, job.file)
    pixels = facts.size[0] * facts.size[1]
    check_memory(pixels, reader.pixel_cost)
    taken = budget.take(round(pixels * reader.pixel_cost))
    try:
        image, gaps = reader.decoded(content, facts)
        return LoadedImage(job, image, predictor.prepare(image), taken, digest, facts.georeference, gaps)
    except BaseException:
        budget.give(taken)
        raise


def _content(job: Job) -> bytes:
    if job.file != STDIN:
        return content_of(job.file)
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    found = bytearray()
    while part := sys.stdin.buffer.read(1 << 20):
        found += part
        if len(found) > EXTRA_BYTES:
            raise ValueError(f"more than {EXTRA_BYTES >> 30} GiB from standard input (give the file by its name)")
    return bytes(found)


def check_memory(pixels: int, cost: float = 1.0) -> None:
    """Raises MemoryError if an image of so many pixels does not fit into the free memory. cost: of one of them in
    pixels of 8-bit RGB."""
    free = memory.memory_available()
    needed = pixels * cost * BYTES_PER_PIXEL
    if free is not None and needed > free:
        raise MemoryError(
            f"its {pixels / 1e6:,.0f} megapixels need {needed / 2**30:.1f} GiB ({free / 2**30:.1f} are free)"
        )


def predict_batch(
    predictor: Predictor, batch: list[LoadedImage], outputs: ResultWriter[Result]
) -> Iterator[tuple[LoadedImage, Result | Unsaved, float]]:
    """Each image with its result, or why there is none, and the seconds that it took."""
    began = time.perf_counter()
    blocks = predictor.predict_blocks([loaded.prepared for loaded in batch])
    for place, loaded in enumerate(batch):
        result: Result | Unsaved
        try:
            result = outputs.new_result(loaded.image.shape[:2], isinstance(loaded.image, LargePicture))
            for rows, columns, found in next(blocks):
                gaps = None if loaded.gaps is None else loaded.gaps[rows, columns]
                result.add(rows, columns, found if gaps is None else void_where(gaps, found))
        except Exception as error:
            if not isinstance(error, UnreadablePart | Unsaved | NotNumbers) and not is_out_of_memory(error):
                raise
            result = Unsaved(OUT_OF_MEMORY if is_out_of_memory(error) else str(error))
            blocks = predictor.predict_blocks([other.prepared for other in batch[place + 1 :]])
        now = time.perf_counter()
        yield loaded, result, now - began
        began = now


def is_out_of_memory(error: Exception) -> bool:
    """Whether a library ran out of memory; each has an exception of its own for it."""
    return isinstance(error, MemoryError) or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")


def save(
    loaded: LoadedImage,
    result: Result | Unsaved,
    seconds: float,
    outputs: ResultWriter[Result],
    budget: PixelBudget,
    reader: PictureReader,
) -> ManifestEntry:
    """Write the files of an image; returns its line of the manifest. Raises InputError."""
    began = time.perf_counter()
    try:
        if isinstance(result, Unsaved):
            raise result
        image = loaded.image.reduced() if isinstance(loaded.image, LargePicture) else loaded.image
        image = shown(image, reader.intensities)
        entry = outputs.save(loaded.job, image, result, loaded.georeference)
        entry["input"], entry["seconds"] = loaded.input, round(seconds + time.perf_counter() - began, 4)
        return entry
    except (Unsaved, UnreadablePart) as fault:
        return {"file": str(loaded.job.file), "status": "failed", "error": str(fault)}
    finally:
        budget.give(loaded.pixels)
