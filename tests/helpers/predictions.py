"""Pictures labelled into folders, with a plain function in the network's place."""

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.inference.protocol import Block
from casnet_cli.labels import with_colors
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs
from helpers.datasets import FunctionInput, FunctionPredictor

LABELS = with_colors(("dark", "bright"))
PREDICTED: list[tuple[int, ...]] = []
"""Shapes of the images that were predicted."""


def by_brightness(image: np.ndarray) -> dict[str, np.ndarray]:
    """Bright pixels are class 1."""
    PREDICTED.append(image.shape)
    mask = (image.mean(-1) > 127).astype(np.int32)
    return {"mask": mask, "difficulty": np.full(mask.shape, 0.25), "confidence": np.full(mask.shape, 0.75)}


class BlockPredictor(FunctionPredictor):
    """As `FunctionPredictor`, but only parts of the image are read: each block is a function of its own pixels."""

    def predict_blocks(self, batch: Sequence[FunctionInput]) -> Iterator[Iterator[Block]]:
        """In blocks of 32 rows and 48 columns."""
        for one in batch:
            yield self._blocks(one.image)

    def _blocks(self, image: np.ndarray) -> Iterator[Block]:
        height, width = image.shape[:2]
        for top, left in itertools.product(range(0, height, 32), range(0, width, 48)):
            rows, columns = slice(top, min(top + 32, height)), slice(left, min(left + 48, width))
            yield rows, columns, self.outputs(image[rows, columns])


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image.copy()


def picture(seed: int = 0, width: int = 20, height: int = 12) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def label(
    folder: Path, predictor: type[FunctionPredictor] = FunctionPredictor, **options: object
) -> list[dict[str, object]]:
    settings = {"folder": folder.parent / "out", "labels": LABELS, "identity": "run 1", **options}
    with Manifest(Outputs(**settings)) as manifest:  # type: ignore[arg-type]
        jobs = find_images([folder], manifest.outputs.folder)
        return list(predict_folder(predictor(by_brightness, batch_limit=2), manifest.pending(jobs), manifest))


def manifest(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder.parent / "out" / "manifest.jsonl").read_text().splitlines()]
