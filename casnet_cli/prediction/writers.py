"""The files that prediction leaves for an image, each whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from casnet_cli.labels import LabelSet

OVERLAY_STRENGTH = 0.55


def write_mask(path: Path, mask: np.ndarray, labels: LabelSet) -> None:
    """(H, W) class ids → 8-bit palette PNG."""
    image = Image.fromarray(mask.astype(np.uint8), "P")
    image.putpalette(labels.flat_palette())
    atomically(path, lambda file: image.save(file, "PNG", compress_level=1))


def write_difficulty(path: Path, difficulty: np.ndarray) -> None:
    """(H, W) difficulty 0..1 → 8-bit grey PNG, 255 = surely difficult."""
    grey = Image.fromarray(np.rint(np.clip(difficulty, 0, 1) * 255).astype(np.uint8))
    atomically(path, lambda file: grey.save(file, "PNG", compress_level=1))


def write_overlay(path: Path, image: np.ndarray, mask: np.ndarray, labels: LabelSet) -> None:
    """The image (H, W, 3) uint8 with the classes' colours laid over → JPEG."""
    colors = np.asarray(labels.flat_palette(), np.float32).reshape(256, 3)[mask]
    mixed = image * (1 - OVERLAY_STRENGTH) + colors * OVERLAY_STRENGTH
    overlay = Image.fromarray(np.rint(mixed).astype(np.uint8))
    atomically(path, lambda file: overlay.save(file, "JPEG", quality=90))


def atomically(path: Path, save: Callable[[IO[bytes]], None]) -> None:
    """Let `save` write a temporary file beside `path`, then rename it: readers never see half of it."""
    partial = path.with_name(f".{path.name}.part")
    try:
        with open(partial, "wb") as file:
            save(file)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
