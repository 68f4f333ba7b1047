"""What is kept of an unlabelled image: how doubtful the network is of it and where, and what it looks like to it."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from scipy import ndimage

from casnet_cli.labels import LabelSet
from casnet_cli.prediction.image_result import as_bytes
from casnet_cli.prediction.inputs import Job
from casnet_cli.prediction.manifest import ManifestEntry

HARD = 0.5
"""A pixel more difficult than this is hard: the coarse answer is more likely wrong than right."""

REGIONS, LEAST = 20, 1 / 1000
"""Hard regions that are kept of an image, and the least share of its pixels that one has."""

SCORES = ("difficulty", "entropy", "margin")


@dataclass
class RankedImage:
    """Sums over the pixels of an image (H, W) while it comes in block by block."""

    mask: np.ndarray
    difficulty: np.ndarray
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SCORES, 0.0))
    features: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def add(self, rows: slice, columns: slice, said: dict[str, np.ndarray]) -> None:
        """A block: `mask`, `difficulty`, `entropy`, `margin` (H, W), and `pooled` (C,) of the image so far."""
        self.mask[rows, columns] = said["mask"]
        self.difficulty[rows, columns] = as_bytes(said["difficulty"])
        for name in SCORES:
            self.sums[name] += float(said[name].sum(dtype=np.float64))
        self.features = said["pooled"]

    def record(self, labels: LabelSet) -> dict[str, Any]:
        """Means of the scores, share of hard pixels, of each class its share of the pixels and of the difficulty, hard
        regions, and features in base64 of float16."""
        height, width = self.mask.shape
        counts = np.bincount(self.mask.ravel(), minlength=len(labels))
        doubts = np.bincount(self.mask.ravel(), self.difficulty.ravel(), len(labels))
        shares = np.stack([counts / counts.sum(), doubts / max(doubts.sum(), 1)], axis=1)
        return {
            "width": width,
            "height": height,
            **{name: round(total / self.mask.size, 6) for name, total in self.sums.items()},
            "hard_share": round(float((self.difficulty > 255 * HARD).mean()), 6),
            "classes": {
                name: [round(float(share), 4) for share in own]
                for name, own, count in zip(labels.names, shares, counts, strict=True)
                if count
            },
            "regions": self._regions(labels),
            "features": base64.b64encode(self.features.astype("<f2").tobytes()).decode(),
        }

    def _regions(self, labels: LabelSet) -> list[dict[str, Any]]:
        """Connected hard pixels, those first that hold most difficulty: box, pixels, mean difficulty, common class."""
        found, count = ndimage.label(self.difficulty > 255 * HARD, np.ones((3, 3)))
        index = np.arange(1, count + 1)
        pixels = np.bincount(found.ravel(), minlength=count + 1)[1:]
        sums = ndimage.sum_labels(self.difficulty, found, index) if count else np.zeros(0)
        boxes = ndimage.find_objects(found)
        large = [place for place in np.argsort(-sums) if pixels[place] >= LEAST * self.mask.size][:REGIONS]
        regions = []
        for place in large:
            down, right = boxes[place]
            inside = found[down, right] == place + 1
            common = np.bincount(self.mask[down, right][inside], minlength=len(labels)).argmax()
            regions.append(
                {
                    "x": int(right.start),
                    "y": int(down.start),
                    "width": int(right.stop - right.start),
                    "height": int(down.stop - down.start),
                    "pixels": int(pixels[place]),
                    "difficulty": round(float(sums[place] / pixels[place] / 255), 4),
                    "class": labels.names[common],
                }
            )
        return regions


def features_of(record: dict[str, Any]) -> np.ndarray:
    """(C,) float32 of a line of the manifest."""
    return np.frombuffer(base64.b64decode(record["features"]), "<f2").astype(np.float32)


@dataclass(frozen=True)
class ImageScores:
    """As `prediction.outputs.Outputs`, but nothing is written of an image except its line of the manifest."""

    folder: Path
    labels: LabelSet
    identity: str
    resume: bool = True

    def mask_name(self, job: Job) -> None:
        """No file."""

    def endings(self, job: Job) -> list[str]:
        return []

    def new_result(self, size: tuple[int, ...]) -> RankedImage:
        return RankedImage(np.empty(size, np.uint8), np.empty(size, np.uint8))

    def save(self, job: Job, image: np.ndarray, result: RankedImage) -> ManifestEntry:
        record = result.record(self.labels)
        entry = {"file": str(job.file), "status": "ok", "outputs": [], **record, "made_with": self.identity}
        return cast(ManifestEntry, entry)
