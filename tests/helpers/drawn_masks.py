"""Small masks drawn by letters, for what is written of masks."""

from collections.abc import Iterator

import numpy as np

from casnet_cli.labels import VOID, with_colors

LABELS = with_colors(("sky", "road", "tree"))
DRAWN = {"s": 0, "r": 1, "t": 2, ".": VOID}


def mask_of(*rows: str) -> np.ndarray:
    """Rows of letters, those of `DRAWN` → (H, W) uint8."""
    return np.array([[DRAWN[letter] for letter in row] for row in rows], np.uint8)


CASES = {
    "one pixel": mask_of("r"),
    "whole": mask_of("sss", "sss"),
    "all void": mask_of("...", "..."),
    "diagonal neighbours": mask_of("r.r", ".r.", "r.r"),
    "other diagonal": mask_of(".r.", "r.r", ".r."),
    "checkerboard": mask_of("srsr", "rsrs", "srsr"),
    "hole": mask_of("rrr", "rsr", "rrr"),
    "holes in holes": mask_of("rrrrr", "rsssr", "rsrsr", "rsssr", "rrrrr"),
    "hole touching the outside": mask_of("rr.", "r.r", "rrr"),
    "hole touching the other outside": mask_of(".rr", "r.r", "rrr"),
    "hole touching below": mask_of("rrr", "r.r", "rr."),
    "two holes touching": mask_of("rrrr", "r.rr", "rr.r", "rrrr"),
    "two holes touching, the other way": mask_of("rrrr", "rr.r", "r.rr", "rrrr"),
    "borders": mask_of("r..r", "....", "t..s", "tt.s"),
    "stairs": mask_of("tsss", "ttss", "ttts", "tttt"),
    "wide": mask_of("rr.ssr"),
    "tall": mask_of("r", "r", ".", "s", "r"),
}


def random_masks() -> Iterator[np.ndarray]:
    """The same 150 small masks in every call."""
    rng = np.random.default_rng(0)
    for _ in range(150):
        shape = rng.integers(1, 14, 2)
        yield rng.choice(np.array([0, 1, 2, VOID], np.uint8)[-rng.integers(2, 5) :], shape)


def large_mask() -> np.ndarray:
    """(1500, 2000) uint8: blocks of three classes with a void pixel in each."""
    blocks = np.random.default_rng(0).integers(0, 3, (75, 100), np.uint8)
    mask = blocks.repeat(20, 0).repeat(20, 1)
    mask[7::20, 9::20] = VOID  # a hole in each block
    return mask
