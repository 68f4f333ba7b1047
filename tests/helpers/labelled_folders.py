"""Folders of labelled pictures for the files that hold all of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.labels import VOID
from casnet_cli.prediction.output_kinds import LabelledFile, LabelledFolder, Mark
from helpers.drawn_masks import CASES, LABELS, mask_of, random_masks


def masks() -> list[np.ndarray]:
    """Small ones, and one whose runs are longer than 16 bits count."""
    large = np.full((300, 400), 1, np.uint8)
    large[200:220, 30:50], large[290, 399] = 2, VOID
    return [*CASES.values(), *random_masks(), large]


def folder_of(given: Sequence[np.ndarray], where: Path, simplify: float = 0.0) -> LabelledFolder:
    """Pictures `photos/sub/N.png`, numbers as they come, with confidence 0.5."""
    listed = []
    for number, mask in enumerate(given):
        file = where / "photos" / "sub" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(mask == VOID, 0, mask * 50 + 40).astype(np.uint8)).convert("RGB").save(file)
        listed.append(LabelledFile(f"sub/{number}.png", file, mask, 0.5))
    return LabelledFolder(LABELS, iter(listed), simplify)


def audited_folder(where: Path) -> LabelledFolder:
    """A picture `sub/0.png` of two classes: 3 of the 8 pixels of road are suspect, and a pixel of sky."""
    picture = next(iter(folder_of([mask_of("rrrr", "rrrr", "ssss")], where).pictures))
    marks = (
        Mark(1, 0, np.array([[True, True], [False, True]]), "4: road → tree"),
        Mark(3, 2, np.array([[True]]), "9: sky → <sea>"),
    )
    return LabelledFolder(LABELS, iter([replace(picture, marks=marks)]), audited=True)


SUSPECT_PARTS = {
    ("4: road → tree", "road"): mask_of(".rr.", "..r.", "....") == 1,
    ("9: sky → <sea>", "sky"): mask_of("....", "....", "...s") == 0,
    ("", "road"): mask_of("r..r", "rr.r", "....") == 1,
    ("", "sky"): mask_of("....", "....", "sss.") == 0,
}
"""By note and class, the pixels of the regions of `audited_folder`: road has two regions without a note."""


def filled(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(N, 2) corners of an outline → (H, W) bool: pixels whose centres an even-odd rule takes for inside."""
    rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    inside = np.zeros(shape, bool)
    for (x, y), (to_x, to_y) in zip(points, np.roll(points, -1, axis=0), strict=True):
        crossed = (rows < y) != (rows < to_y)
        at = x + (rows[crossed] - y) * (to_x - x) / (to_y - y)
        inside[crossed] ^= columns > at[:, None]
    return inside
