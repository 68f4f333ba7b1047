"""A table of classes to edit, made from the masks themselves: the values or colours they hold, and how often."""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from casnet_cli.data.annotations import masks
from casnet_cli.errors import DataError
from casnet_cli.labels import MAX_CLASSES, VOID, with_colors

TOO_MANY = 4 * MAX_CLASSES
"""Different values from which on files are taken for photographs or blurred masks."""


def propose(files: Sequence[Path]) -> str:
    """The text of a `classes.toml`: a class for each value or colour, with its share of the pixels as a comment.

    Grey and palette masks give ids, and a palette's colours with them; RGB masks give colours. 255 is proposed as void,
    unless 0 is the only other value: these are then background and object. Raises DataError if a file can be no mask,
    or if there are both kinds.
    """
    if not files:
        raise DataError("no mask files")
    pixels: Counter[int] = Counter()
    colors: dict[int, int] = {}
    kinds: dict[str, Path] = {}
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for mask, values, counts, known in pool.map(_counted, files):
            kinds.setdefault("colour" if mask.values is None else "ids", mask.file)
            if len(kinds) == 2:
                both = f"{kinds['ids']} holds ids and {kinds['colour']} colours"
                raise DataError(f"{both} (masks of one kind in one folder)")
            pixels.update(dict(zip(values, counts, strict=True)))
            if beyond := next(
                (value for value in values if mask.values is not None and not 0 <= value < 1 << 16), None
            ):
                raise DataError(f"{mask.file}: holds {beyond}, which is no id (0..65535)")
            colors = known | colors  # where palettes differ the first one counts
            if len(pixels) > TOO_MANY:
                hint = "saved as JPEG?" if mask.lossy else "a photograph among the masks, or scaled with blending?"
                raise DataError(f"{mask.file}: more than {TOO_MANY} different values so far ({hint})")
    return _table(pixels, colors, "colour" in kinds, len(files))


def _counted(file: Path) -> tuple[masks.Mask, list[int], list[int], dict[int, int]]:
    """The mask, its different values, the pixels of each, and the palette's colours of those that occur."""
    mask = masks.read(file)
    pixels = mask.colors if mask.values is None else mask.values
    assert pixels is not None
    values, first, counts = np.unique(pixels, return_index=True, return_counts=True)
    known = {}
    if mask.values is not None and mask.colors is not None:
        known = dict(zip(values.tolist(), mask.colors.ravel()[first].tolist(), strict=True))
    return mask, values.tolist(), counts.tolist(), known


def _table(pixels: Counter[int], colors: dict[int, int], by_color: bool, files: int) -> str:
    total = sum(pixels.values())
    lines = [f"# Proposed from {files} masks. Name the classes; give several ids to one class to merge them."]
    void = [] if by_color or set(pixels) <= {0, VOID} or VOID not in pixels else [VOID]
    if void:
        share = 100 * pixels[VOID] / total
        lines += [f"void = {{ids = [{VOID}]}}    # {share:.2f} % of the pixels: unlabelled, as in most data sets", ""]
    else:
        lines += ["# Unlabelled pixels, if there are any, would be: void = {ids = [255], colors = [[0, 0, 0]]}", ""]
    kept = [value for value in sorted(pixels) if value not in void]
    generated = with_colors(tuple(map(str, kept))).palette if len(kept) <= MAX_CLASSES else ((0, 0, 0),) * len(kept)
    used: set[tuple[int, ...]] = set()
    for value, spare in zip(kept, generated, strict=True):
        color = masks.unpack_color(value if by_color else colors.get(value, 0)) if by_color or colors else spare
        name = _name(value, by_color, set(pixels))
        lines += ["[[class]]", f'name = "{name}"    # {100 * pixels[value] / total:.2f} % of the pixels']
        lines += [] if by_color else [f"ids = [{value}]"]
        lines += [f"color = {list(color)}"] if color not in used else []  # one class a colour
        lines += [""]
        used.add(color)
    return "\n".join(lines)


def _name(value: int, by_color: bool, all_values: set[int]) -> str:
    if by_color:
        return "#{:02x}{:02x}{:02x}".format(*masks.unpack_color(value))
    if all_values <= {0, VOID}:
        return "object" if value else "background"
    return f"class {value}"
