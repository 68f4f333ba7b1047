"""Pictures of other depths and bands as pages show them."""

import base64
import io

import numpy as np
from PIL import Image

from casnet_cli.data.intensities import Intensities


def decoded(source: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))), np.float64)


def coarse(picture: np.ndarray) -> np.ndarray:
    """Means of 8 x 8 pixels, in which the loss of JPEG is small."""
    return picture.reshape(5, 8, 6, 8, 3).mean(axis=(1, 3))


def expected(stored: np.ndarray, intensities: Intensities) -> np.ndarray:
    """The first three bands, 0..255."""
    low, high = np.asarray(intensities.low), np.asarray(intensities.high)
    return (np.clip((stored - low) / (high - low), 0, 1) * 255)[..., :3]
