"""A network on four bands of 16 bits, from the data to an exported file; the fourth alone tells the classes apart."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers.cli import casnet, stderr_of, tiny_settings
from helpers.eager import functions_eager
from PIL import Image

from casnet_cli import load
from casnet_cli.data import store
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.stored import encode_pixels
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.labels import with_colors
from casnet_cli.runs.checkpoint import read_meta

pytestmark = pytest.mark.usefixtures("tiny", "uncompiled")

INTENSITIES = Intensities(
    "uint16", ("red", "green", "blue", "near infrared"), (200.0,) * 4, (3000.0, 3000.0, 3000.0, 5000.0), nodata=0.0
)
QUICK = (
    "model.variant='coarse'",
    "augmentation.scales=[1.0,1.0]",
    "optimizer.learning_rate=0.05",
    "evaluation.samples=1",
)
LABELS = with_colors(("bare", "growth"))


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(40, 48, 4) uint16 and (40, 48) class ids: random colours, and infrared that is bright where something grows; in
    a corner nothing was measured."""
    rng = np.random.default_rng(seed)
    label = np.full((40, 48), seed % 2, np.uint8)
    label[:, rng.integers(18, 31) :] = 1 - seed % 2
    colour = rng.uniform(1200, 2000, (5, 6, 3)).repeat(8, 0).repeat(8, 1)
    infrared = np.where(label == 1, 4300.0, 900.0) + rng.uniform(-500, 500, label.shape)
    pixels = np.dstack([colour, infrared]).astype(np.uint16)
    pixels[:5, :7], label[:5, :7] = 0, 255
    return pixels, label


def sample(seed: int) -> Sample:
    pixels, label = scene(seed)
    return Sample(encode_pixels(pixels), label)


@pytest.fixture(scope="module")
def trained(tiny: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/bands.h5, runs/bands-001, and fields/ of two pictures and a photograph."""
    home = tmp_path_factory.mktemp("home")
    places = [("train", seed) for seed in range(16)] + [("val", 90), ("val", 91)] + [("test", 95), ("test", 96)]
    entries = [Entry(split, f"{split}-{seed}", partial(sample, seed)) for split, seed in places]
    source = Source("bands", LABELS, lambda root: entries, "")
    about = {"source": "made by a test", "source_sha256": "", "source_stamp": "x"}
    store.write(home / "data" / "bands.h5", source, entries, about, intensities=INTENSITIES)
    (home / "fields").mkdir()
    for seed in (95, 96):
        pixels, _ = scene(seed)
        tifffile.imwrite(home / "fields" / f"{seed}.tif", pixels, photometric="minisblack", planarconfig="contig")
    Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(home / "fields" / "photograph.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        with functions_eager(False):
            said = stderr_of("train", *tiny_settings("training.epochs=8", "evaluation.every_epochs=8", *QUICK))
    assert "with model.input_bands = 4 as the data have" in said
    return home


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def test_the_fourth_band_is_learnt(home: Path) -> None:
    meta = read_meta(home / "runs/bands-001/checkpoints/best.h5")
    assert meta.intensities == INTENSITIES and meta.recipe.model.input_bands == 4
    casnet("eval")
    metrics = json.loads((home / "runs/bands-001/eval/test/metrics.json").read_text())
    shares = [row["pixels"] / metrics["labelled_pixels"] for row in metrics["per_class"]]
    assert max(shares) < 0.65  # all that can be had from the colours
    assert metrics["pixel_accuracy"] > 0.8


def test_files_are_predicted_alike_by_keras_an_exported_file_and_from_python(home: Path) -> None:
    shown = casnet("predict", "fields", "--out", "keras", code=1)
    assert "2 labelled, 1 failed" in shown
    lines = [json.loads(line) for line in Path("keras/manifest.jsonl").read_text().splitlines()]
    (failed,) = [line for line in lines if line["status"] == "failed"]
    assert failed["file"].endswith("photograph.png") and failed["error"].startswith("has 3 bands")
    casnet("export")
    casnet("predict", "fields", "--engine", "onnx", "--out", "onnx", code=1)
    model = load("runs/bands-001")
    for seed in (95, 96):
        pixels, label = scene(seed)
        masks = [np.asarray(Image.open(f"{folder}/{seed}.png")) for folder in ("keras", "onnx")]
        assert (masks[0] == masks[1]).mean() > 0.999
        assert (masks[0] == label)[label != 255].mean() > 0.8
        assert (masks[0][:5, :7] == 255).all() and (masks[0][5:, 7:] != 255).all()
        assert not np.asarray(Image.open(f"keras/{seed}.difficulty.png"))[:5, :7].any()
        np.testing.assert_array_equal(model.predict(pixels).mask, masks[0])
        np.testing.assert_array_equal(model.predict(f"fields/{seed}.tif").mask, masks[0])
    about = json.loads(Path("runs/bands-001/export/onnx-float32/export.json").read_text())
    assert about["proved"] and about["inputs"]["image"].startswith("(B, H, W, 4) uint16: red 200..3000, ")
