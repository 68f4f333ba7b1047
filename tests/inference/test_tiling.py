"""Cells and pixels: enlarging and reading against np.interp, tiles that cover and blend."""

import numpy as np
import pytest

from casnet_cli.inference.tiling import FAINT, OVERLAP, Axis, fading, region, tiles


@pytest.mark.parametrize("scale", [1.0, 1.25, 0.75, 2.0])
@pytest.mark.parametrize("length", [1, 2, 17, 100, 241])
def test_a_matrix_is_linear_interpolation(length: int, scale: float) -> None:
    axis = Axis(length, scale, 16)
    pixels = slice(0, length)
    values = np.random.default_rng(0).normal(size=axis.cells)
    enlarged = np.interp(np.arange(axis.size) / 16, np.arange(axis.cells), values)
    expected = np.interp(np.linspace(0, axis.size - 1, length), np.arange(axis.size), enlarged)
    whole = axis.matrix(pixels, slice(0, axis.cells))
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-5)
    # Between two pixels of the enlarged image that lie on both sides of a cell the way is not straight.
    np.testing.assert_allclose(whole @ values, expected, atol=0.13 if scale != 1 else 1e-5)
    np.testing.assert_array_equal(axis.matrix(pixels, slice(0, axis.cells), mirrored=True), whole[::-1])


@pytest.mark.parametrize("scale", [1.0, 1.25, 0.75])
def test_a_part_of_a_matrix_has_all_that_matters(scale: float) -> None:
    axis = Axis(200, scale, 8)
    whole = axis.matrix(slice(0, 200), slice(0, axis.cells))
    for start in range(0, 200, 7):
        pixels = slice(start, min(start + 13, 200))
        cells = axis.window(pixels)
        part = axis.matrix(pixels, cells)
        np.testing.assert_array_equal(part, whole[pixels, cells])
        np.testing.assert_allclose(part.sum(1), 1, atol=1e-5)
        assert cells.stop - cells.start <= 13 * scale / 8 + 3


@pytest.mark.parametrize("scale", [1.0, 1.25, 0.8])
def test_what_the_network_sees_is_the_enlarged_image_and_the_mean_colour_beyond(scale: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (37, 50, 3), np.uint8)
    axes = Axis(37, scale, 16), Axis(50, scale, 16)
    whole = region(image, axes, (slice(0, axes[0].cells), slice(0, axes[1].cells)), (1.0, 2.0, 3.0))
    height, width = (axis.size for axis in axes)
    expected = np.empty((height, width, 3))
    for channel in range(3):
        rows = [np.interp(np.linspace(0, 36, height), np.arange(37), image[:, column, channel]) for column in range(50)]
        narrow = np.stack(rows, 1)
        for row in range(height):
            expected[row, :, channel] = np.interp(np.linspace(0, 49, width), np.arange(50), narrow[row])
    assert whole.shape == (16 * (axes[0].cells - 1) + 1, 16 * (axes[1].cells - 1) + 1, 3) and whole.dtype == np.float32
    np.testing.assert_allclose(whole[:height, :width], expected, atol=1e-3)
    beyond = np.ones(whole.shape[:2], bool)
    beyond[:height, :width] = False
    assert (whole[beyond] == (1.0, 2.0, 3.0)).all()
    part = region(image, axes, (slice(1, 3), slice(0, 2)), (1.0, 2.0, 3.0))
    np.testing.assert_allclose(part, whole[16:33, :17], atol=1e-4)


@pytest.mark.parametrize("tile", [4, 5, 16, 65])
@pytest.mark.parametrize("cells", [1, 4, 5, 17, 64, 66, 1000])
def test_tiles_cover_a_side_and_overlap(cells: int, tile: int) -> None:
    found = tiles(cells, tile)
    assert found[0].start == 0 and found[-1].stop == cells
    assert all(part.stop - part.start == min(tile, cells) for part in found)
    assert all(later.start <= part.stop - tile // OVERLAP for part, later in zip(found, found[1:], strict=False))
    assert len(found) <= 2 + cells / (tile - tile // OVERLAP)


def test_tiles_fade_where_they_border_on_others() -> None:
    np.testing.assert_array_equal(fading(slice(0, 40), 40), np.ones(40))
    first, middle = fading(slice(0, 40), 100), fading(slice(30, 70), 100)
    assert first[0] == 1 and first[-1] == pytest.approx(FAINT) and (np.diff(first) <= 0).all()
    np.testing.assert_allclose(middle, middle[::-1])
    assert middle[:3].max() == pytest.approx(FAINT) and middle[10:30].min() == 1
