"""Scores of an unlabelled image: how uncertain the network is, where, and features by which images are compared."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
from scipy import ndimage

from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.labels import LabelSet
from casnet_cli.prediction.image_result import as_bytes
from casnet_cli.prediction.inputs import Job
from casnet_cli.prediction.manifest_entry import ManifestEntry
from casnet_cli.runs.manifest_record import RankedLine

HARD = 0.5
"""Difficulty above which a pixel is hard: the coarse output is more likely wrong than right."""

REGIONS, LEAST = 20, 1 / 1000
"""Most hard regions that are kept of an image, and the least share of its pixels that one has."""

SCORES = ("difficulty", "entropy", "margin")
"""Outputs of `inference.outputs.RANKING` whose mean is a score of the image."""

HardRegion = TypedDict(
    "HardRegion",
    {
        "x": int, "y": int, "width": int, "height": int, "pixels": int, "difficulty": float, "class": str,
    },
)  # fmt: skip
"""A connected region of hard pixels: its box and its size in pixels, its mean difficulty, its most common class."""


class ImageLine(TypedDict):
    """An image's line of the manifest of `casnet rank`."""

    file: str
    """The image."""
    status: str
    """`ok`, or `failed`, which leaves the other keys out."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    difficulty: float
    """Mean over the pixels, 0..1."""
    entropy: float
    """Mean over the pixels, 0..1."""
    margin: float
    """Mean over the pixels, 0..1."""
    hard_share: float
    """Share of hard pixels."""
    classes: dict[str, list[float]]
    """Of each predicted class its share of the pixels and its share of the difficulty."""
    regions: list[HardRegion]
    """Hard regions, those first that hold most difficulty."""
    features: str
    """Of the backbone, mean over the image; base64 of float16."""


@dataclass(frozen=True)
class ListedImage:
    """An image of the list."""

    rank: int
    """Its place, from 1."""
    value: float
    """What it was chosen by, the larger the better."""
    line: ImageLine
    """Its scores."""


def hard_classes(line: ImageLine, most: int = 3) -> str:
    """The predicted classes that hold most of an image's difficulty: `tree 41 %, road 30 %`."""
    shares = sorted(line["classes"].items(), key=lambda item: -item[1][1])[:most]
    return ", ".join(f"{name} {100 * share:.0f} %" for name, (_, share) in shares if share >= 0.01)


@dataclass
class RankedImage:
    """The outputs for an image while they come in block by block."""

    mask: np.ndarray
    """(H, W) uint8 class ids."""
    difficulty: np.ndarray
    """(H, W) uint8, 255 = surely difficult."""
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SCORES, 0.0))
    """Of each score over the pixels."""
    features: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    """(C,) mean over the image."""

    def add(self, rows: slice, columns: slice, outputs: PixelOutputs) -> None:
        """Put in a block: `mask`, `difficulty`, `entropy`, `margin` (H, W), and `pooled` (C,) of the image so far."""
        self.mask[rows, columns] = outputs["mask"]
        self.difficulty[rows, columns] = as_bytes(outputs["difficulty"])
        for name in SCORES:
            self.sums[name] += float(outputs[name].sum(dtype=np.float64))
        self.features = outputs["pooled"]

    def record(self, file: str, labels: LabelSet) -> ImageLine:
        """The image's line, when all blocks are in."""
        height, width = self.mask.shape
        classes = len(labels)  # behind them comes void, where nothing was measured
        counts = np.bincount(self.mask.ravel(), minlength=classes)[:classes]
        difficulty = np.bincount(self.mask.ravel(), self.difficulty.ravel(), classes)[:classes]
        shares = np.stack([counts / max(counts.sum(), 1), difficulty / max(difficulty.sum(), 1)], axis=1)
        means = {name: round(total / self.mask.size, 6) for name, total in self.sums.items()}
        return {
            "file": file,
            "status": "ok",
            "width": width,
            "height": height,
            "difficulty": means["difficulty"],
            "entropy": means["entropy"],
            "margin": means["margin"],
            "hard_share": round(float((self.difficulty > 255 * HARD).mean()), 6),
            "classes": {
                name: [round(float(share), 4) for share in own]
                for name, own, count in zip(labels.names, shares, counts, strict=True)
                if count
            },
            "regions": self._regions(labels),
            "features": base64.b64encode(self.features.astype("<f2").tobytes()).decode(),
        }

    def _regions(self, labels: LabelSet) -> list[HardRegion]:
        """Connected hard pixels, those first that hold most difficulty."""
        found, count = ndimage.label(self.difficulty > 255 * HARD, np.ones((3, 3)))
        index = np.arange(1, count + 1)
        pixels = np.bincount(found.ravel(), minlength=count + 1)[1:]
        sums = ndimage.sum_labels(self.difficulty, found, index) if count else np.zeros(0)
        boxes = ndimage.find_objects(found)
        large = [place for place in np.argsort(-sums) if pixels[place] >= LEAST * self.mask.size][:REGIONS]
        regions: list[HardRegion] = []
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


def features_of(line: ImageLine) -> np.ndarray:
    """(C,) float32 features of an image."""
    return np.frombuffer(base64.b64decode(line["features"]), "<f2").astype(np.float32)


@dataclass(frozen=True)
class ImageScores:
    """In the place of `prediction.outputs.Outputs`: nothing is written of an image but its line of the manifest."""

    folder: Path
    """Folder of the manifest."""
    labels: LabelSet
    """Classes of the run."""
    identity: str
    """Digest of the checkpoint; lines of another identity are made anew."""
    resume: bool = True
    """Whether lines of earlier calls count."""

    @property
    def line_model(self) -> type[RankedLine]:
        """What a line of the manifest must fit."""
        return RankedLine

    def mask_name(self, job: Job) -> None:
        """No mask is written."""

    def endings(self, job: Job, georeferenced: bool = False) -> list[str]:
        """No files are written."""
        return []

    def new_result(self, size: tuple[int, ...], on_disk: bool = False) -> RankedImage:
        """An empty result for an image of that height and width, in memory."""
        return RankedImage(np.empty(size, np.uint8), np.empty(size, np.uint8))

    def save(
        self, job: Job, image: np.ndarray, result: RankedImage, georeference: Georeference | None = None
    ) -> ManifestEntry:
        """The line of an image."""
        line = result.record(str(job.file), self.labels)
        return cast(ManifestEntry, line | {"outputs": [], "made_with": self.identity})
