"""Label a video: a mask and a difficulty map for every frame, and one video with the classes laid over."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.errors import InputError, reason
from casnet_cli.prediction import video_io
from casnet_cli.prediction.image_pipeline import SHORT, Network, is_shortage
from casnet_cli.prediction.image_result import ImageResult
from casnet_cli.prediction.inputs import Job, check_regular
from casnet_cli.prediction.manifest import Manifest, fingerprint
from casnet_cli.prediction.outputs import FILM, Outputs
from casnet_cli.prediction.writers import Unsaved, mixed


class _Broken(Exception):
    """A video that cannot be read or labelled, or not to its end."""


def predict_video(
    network: Network, job: Job, manifest: Manifest[Outputs], on_frame: Callable[[int, int | None], None]
) -> dict[str, Any]:
    """Label one; returns its line of the manifest. on_frame: told how many frames are done and how many there may be.

    Masks lie in a folder named after the video. Of a damaged one the frames before the damage keep theirs, there is no
    overlay, and the line says `failed`. Raises InputError if the output folder cannot be written.
    """
    told, began, seen, outputs = fingerprint(job.file), time.perf_counter(), _Seen(), manifest.outputs
    try:
        total = _count(job.file)
        for number, answer in _labelled(network, job, outputs):
            record = outputs.record(job, answer)
            seen.add(record, answer.mask.shape)
            on_frame(number + 1, total)
    except (_Broken, Unsaved) as fault:
        return manifest.failed(job, str(fault))
    except Exception as error:
        if not is_shortage(error):
            raise
        return manifest.failed(job, SHORT)
    seconds = round(time.perf_counter() - began, 4)
    return manifest.add(record | seen.told() | {"seconds": seconds, "input": told})


def _labelled(network: Network, job: Job, outputs: Outputs) -> Iterator[tuple[int, ImageResult]]:
    """Each frame's number and answer, its files written."""
    single = replace(outputs, overlay=False)
    with ExitStack() as stack:
        film: Any = None
        for number, image in _frames(job.file):
            answer = single.answer(image.shape[:2])
            for block in next(network.ask([_prepared(network, image)])):
                answer.add(*block)
            single.save(job.frame(number), image, answer)
            if outputs.overlay:
                if film is None:
                    path, (height, width) = job.output(outputs.folder, FILM), image.shape[:2]
                    film = stack.enter_context(video_io.OverlayVideo(path, video_io.rate(job.file), (width, height)))
                film.add(mixed(image, answer.mask, outputs.labels))
            yield number, answer


def _prepared(network: Network, image: np.ndarray) -> Any:
    try:
        return network.prepare(image)
    except ValueError as error:
        raise _Broken(reason(error)) from None


def _frames(file: Path) -> Iterator[tuple[int, np.ndarray]]:
    try:
        yield from video_io.frames(file)
    except InputError as error:
        raise _Broken(str(error).removeprefix(f"{file}: ")) from None


def _count(file: Path) -> int | None:
    try:
        check_regular(file)
        return video_io.count(file)
    except (OSError, ValueError) as error:
        raise _Broken(reason(error)) from None
    except InputError as error:
        raise _Broken(str(error).removeprefix(f"{file}: ")) from None


@dataclass
class _Seen:
    """Means over the frames."""

    frames: int = 0
    shares: Counter[str] = field(default_factory=Counter)
    difficulty: float = 0.0
    confidence: float | None = 0.0
    size: tuple[int, ...] = (0, 0)

    def add(self, record: dict[str, Any], size: tuple[int, ...]) -> None:
        self.frames += 1
        self.shares.update(record["classes"])
        self.difficulty += record["difficulty_mean"]
        said = record["confidence_mean"]
        self.confidence = None if said is None or self.confidence is None else self.confidence + said
        self.size = size

    def told(self) -> dict[str, Any]:
        count = max(1, self.frames)
        return {
            "width": self.size[1],
            "height": self.size[0],
            "classes": {name: round(share / count, 6) for name, share in self.shares.items()},
            "difficulty_mean": round(self.difficulty / count, 6),
            "confidence_mean": None if self.confidence is None else round(self.confidence / count, 6),
            "frames": self.frames,
        }
