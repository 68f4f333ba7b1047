"""Against plain NumPy in float64, written from the definitions."""

import keras
import numpy as np
import pytest

from casnet_cli.model.pyramid import PyramidConvolution
from casnet_cli.model.resize import PadToGrid, PyramidPooling, ResizeToImage

SIZES = [(233, 233), (17, 33), (20, 31), (1, 1), (9, 1), (2, 64)]


def bilinear(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Samples of x (h, w, C) at fractional positions by the four-neighbour formula."""
    out = np.empty((len(rows), len(columns), x.shape[2]))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            r0, c0 = min(int(r), x.shape[0] - 1), min(int(c), x.shape[1] - 1)
            r1, c1 = min(r0 + 1, x.shape[0] - 1), min(c0 + 1, x.shape[1] - 1)
            fr, fc = r - r0, c - c0
            top = x[r0, c0] * (1 - fc) + x[r0, c1] * fc
            bottom = x[r1, c0] * (1 - fc) + x[r1, c1] * fc
            out[i, j] = top * (1 - fr) + bottom * fr
    return out


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [8, 16])
def test_cells_land_on_every_stride_th_pixel(size: tuple[int, int], stride: int) -> None:
    height, width = size
    cells = [-(-(side - 1) // stride) + 1 for side in size]
    x = np.random.default_rng(0).normal(size=(2, *cells, 3))
    image = np.zeros((2, height, width, 1))
    found = np.asarray(ResizeToImage(stride, dtype="float64")([x, image]))
    for b in range(2):
        expected = bilinear(x[b], np.arange(height) / stride, np.arange(width) / stride)
        np.testing.assert_allclose(found[b], expected, atol=1e-12)
    np.testing.assert_allclose(
        found[:, ::stride, ::stride], x[:, : -(-height // stride), : -(-width // stride)], atol=1e-12
    )


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """3x3 convolution of x (h, w, C), zeros at the border, by its definition."""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    h, w = x.shape[:2]
    return sum(padded[dy : dy + h, dx : dx + w] @ kernel[dy, dx] for dy in range(3) for dx in range(3))


@pytest.mark.parametrize("size", [(30, 30), (5, 13), (2, 3), (1, 1)])
def test_the_pyramid_is_convolved_as_if_resized_with_corners_aligned_and_concatenated(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, *size, 4))
    levels = [rng.normal(size=(2, bins, bins, channels)) for bins, channels in ((1, 2), (2, 3), (3, 2), (6, 1))]
    layer = PyramidConvolution(5, dtype="float64")
    found = np.asarray(layer([x, *levels]))
    rows, columns = (
        lambda bins, side=side: np.linspace(0, bins - 1, side) if side > 1 else np.zeros(1) for side in size
    )
    for b in range(2):
        resized = [bilinear(z[b], rows(z.shape[1]), columns(z.shape[1])) for z in levels]
        expected = convolved(np.concatenate([x[b], *resized], axis=-1), layer.kernel.numpy())
        np.testing.assert_allclose(found[b], expected, atol=1e-11)


@pytest.mark.parametrize("bins", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(30, 30), (7, 16), (2, 3), (1, 1)])
def test_pyramid_pooling_averages_adaptive_bins(bins: int, size: tuple[int, int]) -> None:
    x = np.random.default_rng(2).normal(size=(2, *size, 3))
    found = np.asarray(PyramidPooling(bins, dtype="float64")(x))
    (h, w) = size
    for i in range(bins):
        for j in range(bins):
            rows = slice(int(np.floor(i * h / bins)), int(np.ceil((i + 1) * h / bins)))
            columns = slice(int(np.floor(j * w / bins)), int(np.ceil((j + 1) * w / bins)))
            np.testing.assert_allclose(found[:, i, j], x[:, rows, columns].mean((1, 2)), atol=1e-12)


@pytest.mark.parametrize("stride", [8, 16, 32])
@pytest.mark.parametrize("size", SIZES)
def test_padding_reaches_the_next_grid_size_with_zeros(size: tuple[int, int], stride: int) -> None:
    x = np.ones((1, *size, 2), np.float32)
    layer = PadToGrid(stride)
    found = np.asarray(layer(x))
    for side, padded in zip(size, found.shape[1:3], strict=True):
        assert (padded - 1) % stride == 0 and 0 <= padded - side < stride
    assert found.sum() == x.sum() and found[:, : size[0], : size[1]].all()
    assert layer.compute_output_shape((1, *size, 2)) == found.shape


@pytest.mark.parametrize(
    "layer",
    [
        PadToGrid(8, name="a"),
        ResizeToImage(16, name="b"),
        PyramidConvolution(7, name="c"),
        PyramidPooling(3, name="d"),
    ],
)
def test_configurations_round_trip(layer: keras.layers.Layer) -> None:
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(copy) is type(layer) and copy.get_config() == layer.get_config()


def test_bfloat16_maps_keep_their_positions() -> None:
    x = np.arange(300, dtype=np.float32).reshape(1, 300, 1, 1) % 7  # exact in bfloat16
    image = np.zeros((1, 300, 1, 3), np.float32)
    found = np.asarray(keras.ops.cast(ResizeToImage(1, dtype="bfloat16")([x, image]), "float32"))
    np.testing.assert_array_equal(found, x)
