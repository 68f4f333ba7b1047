"""What is written of an image and how, and the writing itself: each file whole or not at all, the mask last."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from casnet_cli.labels import VOID, LabelSet
from casnet_cli.prediction import vector_formats, writers
from casnet_cli.prediction.image_result import ImageResult
from casnet_cli.prediction.inputs import Job
from casnet_cli.prediction.mask_values import PALETTE, MaskValues, mask_values

FURTHER = {
    "confidence": ".confidence.png",
    "probabilities": ".probabilities.npz",
    "geojson": ".geojson",
    "coco": ".coco.json",
}
"""What `--save` adds, and the ending of its file."""

MASK, FILM = ".png", ".overlay.mp4"


@dataclass(frozen=True)
class Outputs:
    """identity: of the run and of the options that decide a result; one made with another identity is made anew.

    reject_below: pixels whose confidence is less become void. values: default palette indices.
    """

    folder: Path
    labels: LabelSet
    identity: str
    overlay: bool = True
    resume: bool = True
    further: Sequence[str] = ()
    reject_below: float = 0.0
    chosen_values: MaskValues | None = None

    @cached_property
    def values(self) -> MaskValues:
        return self.chosen_values or mask_values(PALETTE, self.labels, rejecting=False)

    def mask(self, job: Job) -> str:
        """The mask as the manifest names it; of a video the folder of masks."""
        return job.output(Path(), "" if job.video else MASK).as_posix()

    def endings(self, job: Job) -> list[str]:
        """Of the files that are written of an image, the mask last; of a video, of each frame, and its overlay."""
        overlay = [FILM if job.video else ".overlay.jpg"] if self.overlay else []
        return [*overlay, ".difficulty.png", *(FURTHER[name] for name in self.further), MASK]

    def answer(self, size: tuple[int, ...]) -> ImageResult:
        """An empty one for an image of that height and width."""
        return ImageResult.empty(size, len(self.labels), self.reject_below, self.further)

    def save(self, job: Job, image: Any, answer: ImageResult) -> dict[str, Any]:
        """Write all files of an image (H, W, 3) uint8; returns what the manifest says of it. Raises InputError, of kind
        Unsaved if it is this image's alone."""
        file = job.output(self.folder, MASK)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            for ending in self.endings(job):
                file = job.output(self.folder, ending)
                self._save(ending, file, job, image, answer)
        except OSError as error:
            raise writers.refused(file, error) from None
        return self.record(job, answer)

    def _save(self, ending: str, file: Path, job: Job, image: Any, answer: ImageResult) -> None:
        """One of the files."""
        if ending == MASK:
            writers.write_png(file, self.values.image(answer.mask))
        elif ending == ".difficulty.png":
            writers.write_grey(file, answer.difficulty)
        elif ending == ".overlay.jpg":
            writers.write_overlay(file, image, answer.mask, self.labels)
        elif ending == FURTHER["confidence"]:
            assert answer.confidence is not None
            writers.write_grey(file, answer.confidence)
        elif ending == FURTHER["probabilities"]:
            assert answer.probabilities is not None
            writers.write_probabilities(file, answer.probabilities, self.labels)
        elif ending == FURTHER["geojson"]:
            writers.write_text(file, json.dumps(vector_formats.geojson(answer.mask, self.labels, answer.difficulty)))
        else:
            writers.write_text(file, json.dumps(vector_formats.coco(answer.mask, self.labels, job.file.name)))

    def record(self, job: Job, answer: ImageResult) -> dict[str, Any]:
        """Line of the manifest, but for what only the caller knows."""
        height, width = answer.mask.shape
        shares = {name: count / answer.mask.size for name, count in zip(self.labels.names, answer.counts, strict=False)}
        told = {
            "file": str(job.file),
            "status": "ok",
            "width": width,
            "height": height,
            "mask": self.mask(job),
            "outputs": self.endings(job),
            "classes": {name: round(float(share), 6) for name, share in shares.items() if share},
            "difficulty_mean": round(answer.difficulty_mean, 6),
            "confidence_mean": None if answer.confidence_mean is None else round(answer.confidence_mean, 6),
        }
        if self.reject_below:
            told["rejected"] = round(float(answer.counts[VOID] / answer.mask.size), 6)
        return told | {"made_with": self.identity}
