"""Blocks joined to images, and rows of cells blended from tiles that a plain function computes."""

import numpy as np

from casnet_cli.inference.blending import CellMap, joined, mean_pooled
from casnet_cli.inference.network import Cells
from casnet_cli.inference.tiling import Axis, View

STRIDE = 4


def view(height: int, width: int, rows: list[slice], columns: list[slice], mirrored: bool = False) -> View:
    return View((Axis(height, 1.0, STRIDE), Axis(width, 1.0, STRIDE)), mirrored, (rows, columns))


def slope(rows: slice, columns: slice) -> Cells:
    """A value that grows by 10 a row of cells and by 1 a column."""
    values = 10.0 * np.arange(rows.start, rows.stop)[:, None] + np.arange(columns.start, columns.stop)
    return {"coarse": values[..., None].astype(np.float32)}


def pixels_of(cells: Cells) -> np.ndarray:
    return cells["left"] @ cells["coarse"][..., 0] @ cells["right"].T


def expected(height: int, width: int) -> np.ndarray:
    return (10.0 * np.arange(height)[:, None] + np.arange(width)) / STRIDE


def test_pixels_lie_between_the_cells_of_one_tile() -> None:
    cells = CellMap(view(9, 13, [slice(0, 3)], [slice(0, 4)]), slope)
    found = pixels_of(cells.at(slice(0, 9), slice(0, 13)))
    np.testing.assert_allclose(found, expected(9, 13), atol=1e-5)


def test_tiles_that_agree_blend_to_the_same_whatever_the_blocks() -> None:
    tiles = view(29, 29, [slice(0, 4), slice(2, 6), slice(4, 8)], [slice(0, 5), slice(3, 8)])
    cells = CellMap(tiles, slope)
    rows = [slice(0, 7), slice(7, 20), slice(20, 29)]
    found = np.concatenate([pixels_of(cells.at(part, slice(3, 29))) for part in rows])
    np.testing.assert_allclose(found, expected(29, 29)[:, 3:], atol=1e-4)


def test_a_mirrored_pass_is_turned_back() -> None:
    cells = CellMap(view(9, 13, [slice(0, 3)], [slice(0, 4)], mirrored=True), slope)
    found = pixels_of(cells.at(slice(0, 9), slice(0, 13)))
    np.testing.assert_allclose(found, expected(9, 13)[:, ::-1], atol=1e-5)


def test_pooled_features_are_the_mean_over_tiles_and_passes() -> None:
    def pooling(value: float) -> CellMap:
        parts = view(29, 29, [slice(0, 5), slice(3, 8)], [slice(0, 8)])
        return CellMap(parts, lambda rows, columns: slope(rows, columns) | {"pooled": np.array([value, rows.start])})

    maps = [pooling(1.0), pooling(3.0)]
    for each in maps:
        assert "pooled" not in each.at(slice(0, 29), slice(0, 29))
    np.testing.assert_allclose(mean_pooled(maps), [2.0, 1.5])


def test_blocks_are_joined_where_they_lie() -> None:
    mask, p = np.arange(12, dtype=np.uint8).reshape(3, 4), np.arange(24.0).reshape(2, 3, 4)
    parts = [(slice(2, 3), slice(0, 4)), (slice(0, 2), slice(2, 4)), (slice(0, 2), slice(0, 2))]
    found = joined(iter([(*part, {"mask": mask[part], "p": p[:, *part]}) for part in parts]), (3, 4))
    np.testing.assert_array_equal(found["mask"], mask)
    np.testing.assert_array_equal(found["p"], p)
    assert found["mask"].dtype == np.uint8
