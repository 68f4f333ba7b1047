"""`data.intensities.Intensities` as a part of an exported graph: stored values → what the network sees.

Written so that ONNX Runtime and LiteRT have an operator for everything: no comparison of small integers, numbers that
are not equal to themselves in place of a test for NaN, and no new axis of truth values.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from casnet_cli.data.intensities import Intensities

EXACT_BYTES = 2
"""Of the largest integers that are exact in single precision."""


def seen(image: keras.KerasTensor, intensities: Intensities, mean: Sequence[float]) -> keras.KerasTensor:
    """(B, H, W, N) of the intensities' type → float32, 0..255, `mean` where nothing was measured."""
    x = ops.cast(image, "float32")
    if intensities.plain:
        return x
    low = np.asarray(intensities.low, np.float32)
    factor = np.float32(255) / (np.asarray(intensities.high, np.float32) - low)
    found = ops.clip((x - low) * factor, 0.0, 255.0)
    colour = np.asarray(mean, np.float32)
    if np.dtype(intensities.dtype).kind == "f":
        found = ops.where(ops.not_equal(x, x), colour, found)
    gone = absent(image, intensities, keepdims=True)
    return found if gone is None else ops.where(gone, colour, found)


def absent(image: keras.KerasTensor, intensities: Intensities, keepdims: bool = False) -> keras.KerasTensor | None:
    """(B, H, W) bool: where nothing was measured in any band; None: that cannot be. keepdims: (B, H, W, 1)."""
    tests, kind = [], np.dtype(intensities.dtype)
    if kind.kind == "f":
        x = ops.cast(image, "float32")
        tests.append(ops.not_equal(x, x))
    if _may_occur(intensities.nodata, kind):
        tests.append(_equal(image, intensities.nodata, kind))
    if not tests:
        return None
    missing = tests[0] if len(tests) == 1 else ops.logical_or(*tests)
    return ops.min(ops.cast(missing, "float32"), axis=-1, keepdims=keepdims) > 0.5


def _may_occur(nodata: float | None, kind: np.dtype) -> bool:
    """Whether a pixel of that type can be equal to the value for no data."""
    if nodata is None or np.isnan(nodata):
        return False
    if kind.kind == "f":
        return True
    limits = np.iinfo(kind)
    return bool(limits.min <= nodata <= limits.max and nodata == int(nodata))


def _equal(image: keras.KerasTensor, nodata: float | None, kind: np.dtype) -> keras.KerasTensor:
    assert nodata is not None
    if kind.kind == "f" or kind.itemsize <= EXACT_BYTES:
        return ops.equal(ops.cast(image, "float32"), np.float32(nodata))
    return ops.equal(ops.cast(image, "int64"), np.int64(nodata))
