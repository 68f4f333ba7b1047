"""The table of picture files through prediction: each is labelled by its values, or refused in words."""

from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from helpers.picture_files import PICTURE_FILES
from helpers.picture_writers import palette
from helpers.predictions import LABELS, opened

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.inference.protocol import PixelOutputs
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.prediction.picture_reader import PictureReader

DEEP = Intensities("uint16", ("red", "green", "blue"), (0.0,) * 3, (65535.0,) * 3)
DARK_FIRST = ("tiff 1 bit, 0 white", "tiff 0 white", "pnm 1 of 1 bits", "pnm 4 of 1 bits")
"""Kinds whose 0 is the brightest value."""


def shown(name: str, values: np.ndarray) -> np.ndarray | None:
    """(H, W, 3) in 0 to 255 as viewers show what was written; None: it is not of grey or three colours of 8 bits."""
    kind, wide = PICTURE_FILES[name], values.astype(np.int64)
    if values.dtype != np.uint8 or any("band" in band for band in kind.bands):
        return None
    if kind.bands == ("index",):
        table = palette(256)[: 2**kind.bits] if kind.bits == 8 else palette(2**kind.bits)
        return (np.stack([np.arange(256)] * 3, axis=-1) if "greys" in name else table)[wide[..., 0]]
    colors = wide[..., : 3 if kind.bands[0] == "red" else 1] * (255 // (2**kind.bits - 1))
    colors = np.broadcast_to(255 - colors if name in DARK_FIRST else colors, (*wide.shape[:2], 3))
    if "alpha" not in kind.bands:
        return colors
    opacity = wide[..., -1:] / 255
    return np.rint(colors * opacity + 255 * (1 - opacity))


def labelled(folder: Path, name: str, run: Intensities) -> tuple[dict[str, object], list[np.ndarray]]:
    """The line of the manifest, and the pictures that the network saw."""
    kind, seen = PICTURE_FILES[name], []
    (folder / "in").mkdir()
    (folder / "in" / f"a{kind.ending}").write_bytes(kind.write().content)

    def outputs(image: np.ndarray) -> PixelOutputs:
        seen.append(image)
        mask = np.ones(image.shape[:2], np.int32)
        return {"mask": mask, "difficulty": np.full(mask.shape, 0.25), "confidence": np.full(mask.shape, 0.75)}

    with Manifest(Outputs(folder / "out", LABELS, "run 1")) as manifest:
        jobs = find_images([folder / "in"], folder / "out")
        (entry,) = predict_folder(FunctionPredictor(outputs), jobs, manifest, PictureReader(run))
    return dict(entry), seen


@pytest.mark.parametrize("name", PICTURE_FILES)
def test_a_run_of_8_bits_sees_what_people_see_or_says_why_not(tmp_path: Path, name: str) -> None:
    if name.startswith("heic"):
        pytest.importorskip("pillow_heif")
    kind = PICTURE_FILES[name]
    entry, seen = labelled(tmp_path, name, PLAIN)
    expected = shown(name, kind.write().values)
    if expected is None:
        words = "--bands" if any("band" in band for band in kind.bands) and kind.bits == 8 else "--range|--bands"
        assert entry["status"] == "failed" and any(word in str(entry["error"]) for word in words.split("|")), entry
        return
    assert entry["status"] == "ok", entry
    assert opened(tmp_path / "out" / "a.png").size == (24, 18)
    if name != "png palette with opacities":
        assert np.abs(seen[0].astype(int) - expected).max() <= max(kind.near, 1 if "alpha" in kind.bands else 0)


def test_further_pictures_of_a_jpeg_are_said(tmp_path: Path) -> None:
    reader = PictureReader()
    reader.facts(PICTURE_FILES["mpo"].write().content, tmp_path / "a.mpo")
    reader.facts(PICTURE_FILES["jpeg colour"].write().content, tmp_path / "a.jpg")
    (remark,) = reader.remarks.all()
    assert "the first is taken" in remark.line and remark.files == (tmp_path / "a.mpo",)


@pytest.mark.parametrize("name", [name for name, kind in PICTURE_FILES.items() if 8 < kind.bits <= 16])
def test_a_run_of_16_bits_sees_what_was_written_or_says_why_not(tmp_path: Path, name: str) -> None:
    if name.startswith("heic"):
        pytest.importorskip("pillow_heif")
    kind = PICTURE_FILES[name]
    values = kind.write().values
    entry, seen = labelled(tmp_path, name, DEEP)
    if values.dtype != np.uint16 or any("band" in band for band in kind.bands):
        assert entry["status"] == "failed" and "trained on" in str(entry["error"])
        return
    assert entry["status"] == "ok", entry
    if "alpha" not in kind.bands:
        assert np.abs(seen[0].astype(int) - values.astype(int)).max() <= kind.near
