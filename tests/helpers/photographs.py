"""Photographs that the tests make, and tiny ones with masks, as files of one's own."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from casnet_cli.labels import VOID

TABLE = 'void = {ids = [255]}\n[[class]]\nname = "a"\nids = [0]\n[[class]]\nname = "b"\nids = [1]\n'


def image(file: Path, width: int = 6, height: int = 4, **save: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(file.name))
    Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(file, **save)
    return file


def mask(file: Path, width: int = 6, height: int = 4) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    values = np.arange(width * height).reshape(height, width) % 2
    values[0, 0] = VOID
    Image.fromarray(values.astype(np.uint8)).save(file)
    return file


def photographs(folder: Path) -> Path:
    """images/ and masks/ of five, and classes.toml."""
    for index in range(5):
        image(folder / f"images/photo {index} ä.JPG")
        mask(folder / f"masks/photo {index} ä.png")
    (folder / "classes.toml").write_text(TABLE)
    return folder


def photo(seed: int, width: int = 96, height: int = 80) -> np.ndarray:
    """(H, W, 3) uint8 with as much contrast as a photograph has."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    smooth = ndimage.gaussian_filter(noise, (12, 12, 0))
    return np.clip(128 + smooth / smooth.std() * 60, 0, 255).astype(np.uint8)
