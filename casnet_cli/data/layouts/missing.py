"""Pictures without a mask: what `--missing` makes of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from casnet_cli.data.images import SIDEWAYS, UNREADABLE
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.pixels.read import info_of
from casnet_cli.data.sources.base import read_bytes
from casnet_cli.errors import InputError, Unfit, UnfitKind, reason
from casnet_cli.labels import VOID
from casnet_cli.util.text import count

MISSING = ("background", "void", "skip")
"""What can be made of them."""

BACKGROUND = "background"


def filled(
    pairs: Sequence[FilePair], missing: str | None, names: tuple[str, ...]
) -> tuple[list[FilePair], int, list[str]]:
    """The pairs, those without mask taken as `missing` says; the class id of their pixels; and a sentence on it.

    names: of the classes. Raises InputError if `background` is to be the class and there is none.
    """
    lacking = [one for one in pairs if one.label is None and one.fault]
    if missing is None or not lacking:
        return list(pairs), VOID, []
    if missing == "skip":
        kept = [one for one in pairs if one.label is not None]
        return kept, VOID, [f"{count(len(lacking), 'picture')} without mask left out (--missing skip)"]
    if missing == BACKGROUND and BACKGROUND not in names:
        raise InputError(f"--missing background: no class is called background ({', '.join(names)}; or void, skip)")
    sentence = f"{count(len(lacking), 'picture')} without mask taken as {missing} (--missing {missing})"
    value = names.index(BACKGROUND) if missing == BACKGROUND else VOID
    return [one if one.label else replace(one, fault=None) for one in pairs], value, [sentence]


def blank_label(image: Path, value: int) -> np.ndarray:
    """(H, W) uint8 of one value, as large as a picture is shown. Raises Unfit if it cannot be read."""
    try:
        info = info_of(read_bytes(image))
    except (*UNREADABLE, MemoryError) as error:
        raise Unfit(f"{image}: not a readable image: {reason(error)}", UnfitKind.UNREADABLE) from None
    width, height = info.size[::-1] if info.orientation in SIDEWAYS else info.size
    return np.full((height, width), value, np.uint8)
