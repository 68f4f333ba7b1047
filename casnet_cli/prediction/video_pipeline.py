"""Label a video: a mask and a difficulty map for every frame, and one video with the classes laid over."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from casnet_cli.errors import InputError, reason
from casnet_cli.inference.protocol import Predictor, PreparedInput
from casnet_cli.inference.sound import NotNumbers
from casnet_cli.prediction import video_io
from casnet_cli.prediction.image_pipeline import OUT_OF_MEMORY, is_out_of_memory
from casnet_cli.prediction.image_result import ImageResult
from casnet_cli.prediction.inputs import Job, check_regular
from casnet_cli.prediction.manifest import Manifest, fingerprint
from casnet_cli.prediction.manifest_entry import ManifestEntry
from casnet_cli.prediction.output_files import check_place
from casnet_cli.prediction.output_kinds import VIDEO_OVERLAY
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.prediction.overlay_video import OverlayVideo
from casnet_cli.prediction.picture_reader import PictureReader
from casnet_cli.prediction.writers import Unsaved, blended


class _UnusableVideo(Exception):
    """A video that cannot be read or labelled, or not to its end."""


def predict_video(
    predictor: Predictor,
    job: Job,
    manifest: Manifest[Outputs],
    on_frame: Callable[[int, int | None], None],
    reader: PictureReader | None = None,
) -> ManifestEntry:
    """Label a video; returns its line of the manifest.

    Masks lie in a folder named after the video. The frames of a damaged video before the damage keep their files; it
    has no overlay, and its line says `failed`. on_frame: called after each frame with the number of frames done and of
    all frames, None if that is not known. reader: as of `image_pipeline.predict_folder`. Raises InputError if the
    output folder cannot be written.
    """
    digest, began, means, outputs = fingerprint(job.file), time.perf_counter(), _FrameMeans(), manifest.outputs
    entry: ManifestEntry = {}
    try:
        total = _count(job.file)
        for number, result in _labelled(predictor, job, outputs, reader or PictureReader()):
            entry = outputs.entry(job, result)
            means.add(entry)
            on_frame(number + 1, total)
    except (_UnusableVideo, Unsaved, NotNumbers) as fault:
        return manifest.failed(job, str(fault), means.frames)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return manifest.failed(job, OUT_OF_MEMORY, means.frames)
    entry.update(means.entry())
    entry["input"], entry["seconds"] = digest, round(time.perf_counter() - began, 4)
    return manifest.add(entry)


def _labelled(
    predictor: Predictor, job: Job, outputs: Outputs, reader: PictureReader
) -> Iterator[tuple[int, ImageResult]]:
    """The number and the result of each frame; its files are written."""
    of_frames = outputs.of_frames()
    overlays: OverlayVideo | None = None
    with ExitStack() as stack:
        for frame in _frames(job.file):
            image = frame.pixels
            result = of_frames.new_result(image.shape[:2])
            for block in next(predictor.predict_blocks([_prepared(predictor, job, image, reader)])):
                result.add(*block)
            of_frames.save(job.frame(frame.number), image, result)
            if outputs.overlay:
                if overlays is None:
                    path, (height, width) = job.output(outputs.folder, VIDEO_OVERLAY), image.shape[:2]
                    check_place(outputs.folder, path)
                    overlays = stack.enter_context(OverlayVideo(path, job.file, (width, height), frame.aspect))
                overlays.add(blended(image, result.mask, outputs.labels), frame)
            yield frame.number, result
    for note in overlays.notes if overlays else ():
        reader.remarks.add(note, job.file)


def _prepared(predictor: Predictor, job: Job, image: np.ndarray, reader: PictureReader) -> PreparedInput:
    try:
        return predictor.prepare(reader.frame(image, job.file))
    except ValueError as error:
        raise _UnusableVideo(reason(error)) from None


def _frames(file: Path) -> Iterator[video_io.Frame]:
    try:
        yield from video_io.frames(file)
    except InputError as error:
        raise _UnusableVideo(str(error).removeprefix(f"{file}: ")) from None


def _count(file: Path) -> int | None:
    try:
        check_regular(file)
        return video_io.count(file)
    except (OSError, ValueError) as error:
        raise _UnusableVideo(reason(error)) from None
    except InputError as error:
        raise _UnusableVideo(str(error).removeprefix(f"{file}: ")) from None


@dataclass
class _FrameMeans:
    """Sums over the frames of a video, for the means in its line."""

    frames: int = 0
    """Number of frames."""
    shares: Counter[str] = field(default_factory=Counter)
    """Of each class in the pixels of a frame."""
    difficulty: float = 0.0
    """Of each frame's mean difficulty."""
    confidence: float | None = 0.0
    """Of each frame's mean confidence; None: the network gives none."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the last frame."""

    def add(self, frame: ManifestEntry) -> None:
        self.frames += 1
        self.shares.update(frame["classes"])
        self.difficulty += frame["difficulty_mean"]
        confidence = frame["confidence_mean"]
        self.confidence = None if confidence is None or self.confidence is None else self.confidence + confidence
        self.size = frame["width"], frame["height"]

    def entry(self) -> ManifestEntry:
        """The keys of a line that concern the whole video."""
        count = max(1, self.frames)
        return {
            "width": self.size[0],
            "height": self.size[1],
            "classes": {name: round(share / count, 6) for name, share in self.shares.items()},
            "difficulty_mean": round(self.difficulty / count, 6),
            "confidence_mean": None if self.confidence is None else round(self.confidence / count, 6),
            "frames": self.frames,
        }
