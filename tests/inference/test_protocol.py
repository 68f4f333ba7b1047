"""A further runtime is one class: labelling a folder and evaluating take a predictor that knows nothing of casnet."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import LABELS, blocks
from PIL import Image

from casnet_cli.evaluation.evaluator import evaluate, predict_samples
from casnet_cli.inference.protocol import Predictor
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs

PALETTE = np.asarray(LABELS.palette, np.int64)


@dataclass
class Prepared:
    image: np.ndarray
    distances: np.ndarray
    batch_key: object = None
    batch_limit: int = 1


class NearestColor:
    """Each pixel has the class of the nearest colour. Needs no network."""

    def prepare(self, image: np.ndarray) -> Prepared:
        if image.shape[0] > 60:
            raise ValueError("is too high for this runtime")
        return Prepared(image, np.abs(image[..., None, :] - PALETTE).sum(-1))

    def predict_blocks(
        self, batch: Sequence[Prepared]
    ) -> Iterator[Iterator[tuple[slice, slice, dict[str, np.ndarray]]]]:
        for one, outputs in zip(batch, self.predict_batch(batch), strict=True):
            yield iter([(slice(0, one.image.shape[0]), slice(0, one.image.shape[1]), outputs)])

    def predict_batch(self, batch: Sequence[Prepared]) -> Iterator[dict[str, np.ndarray]]:
        for one in batch:
            ordered = np.sort(one.distances, axis=-1)
            near = (ordered[..., 0] / np.maximum(ordered[..., 1], 1)).astype(np.float32)
            mask = one.distances.argmin(-1).astype(np.uint8)
            yield {"mask": mask, "difficulty": near, "confidence": 1 - near}

    def predict(self, image: np.ndarray) -> dict[str, np.ndarray]:
        return next(self.predict_batch([self.prepare(image)]))


@dataclass
class Labelled:
    name: str
    image: np.ndarray
    label: np.ndarray


@pytest.fixture
def predictor() -> Predictor:
    return NearestColor()


@pytest.fixture
def samples(tmp_path: Path) -> list[Labelled]:
    found = []
    for seed in range(3):
        sample = blocks(seed)
        file = tmp_path / "images" / f"{seed}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(sample.image)
        with Image.open(file) as image:
            found.append(Labelled(str(seed), np.asarray(image), np.asarray(sample.label)))
    return found


def test_it_labels_a_folder(predictor: Predictor, samples: list[Labelled], tmp_path: Path) -> None:
    Image.new("RGB", (10, 70)).save(tmp_path / "images" / "high.png")
    out = tmp_path / "out"
    with Manifest(Outputs(out, LABELS, "nearest colour")) as manifest:
        records = list(predict_folder(predictor, find_images([tmp_path / "images"], out), manifest))
    failed = {record["file"]: record["error"] for record in records if record["status"] == "failed"}
    assert failed == {str(tmp_path / "images" / "high.png"): "is too high for this runtime"}
    for sample in samples:
        with Image.open(out / f"{sample.name}.png") as mask:
            np.testing.assert_array_equal(np.asarray(mask), predictor.predict(sample.image)["mask"])
    lines = (out / "manifest.jsonl").read_text().splitlines()
    assert {json.loads(line)["status"] for line in lines} == {"ok", "failed"}


def test_it_is_evaluated(predictor: Predictor, samples: list[Labelled]) -> None:
    scores = evaluate(predict_samples(predictor, samples), LABELS)
    assert scores.fused.pixel_accuracy > 0.99 and len(scores.per_image.names) == 3
