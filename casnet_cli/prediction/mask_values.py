"""What the pixels of a mask file hold: class ids with or without a palette, or ids or colours of one's own table."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from casnet_cli.data.classes import class_table
from casnet_cli.data.images import by_pillow
from casnet_cli.errors import DataError, InputError
from casnet_cli.labels import VOID, LabelSet

PALETTE, IDS = "palette", "ids"
HINT = f"{PALETTE}, {IDS} or a TOML file, the table of classes that `prepare folder` takes"
Value = TypeVar("Value")

LARGEST_ID = 65535
"""Of a grey PNG; ids beyond it, and negative ones, cannot be written."""

UNKNOWN = -1
"""In place of a class id: no class is written so."""

LOOKUP_STRIP = 1 << 22
"""Pixels looked up at a time, as NumPy widens indices to eight bytes each."""


@dataclass(frozen=True, eq=False)
class MaskValues:
    """From class ids to the pixels of a mask file."""

    identity: str
    """Changes with what a mask file would hold."""
    known: np.ndarray
    """(256,) bool: which ids have a value."""
    grey: np.ndarray | None = None
    """(256,) uint8 or uint16: the value of each class id and of VOID; None: palette indices or colours."""
    palette: tuple[int, ...] = ()
    """256 RGB triples in a row, for palette indices and colours."""
    colored: bool = False
    """Whether pixels hold RGB in place of palette indices."""

    def image(self, mask: np.ndarray) -> Image.Image:
        """(H, W) uint8 class ids and VOID → the picture to save as PNG, of mode P, L, I;16 or RGB.

        It may share the mask's memory. Raises ValueError for an id that has no value.
        """
        used = np.zeros(256, bool)
        flat = mask.ravel()
        for start in range(0, flat.size, LOOKUP_STRIP):
            used |= np.bincount(flat[start : start + LOOKUP_STRIP], minlength=256) > 0
        if unknown := np.flatnonzero(used & ~self.known).tolist():
            raise ValueError(f"the mask holds {unknown}, for which mask values {self.identity!r} have nothing")
        if self.grey is not None:
            return Image.fromarray(_looked_up(mask, self.grey))
        indexed = Image.fromarray(np.ascontiguousarray(mask, np.uint8), "P")
        indexed.putpalette(self.palette)
        return indexed.convert("RGB") if self.colored else indexed

    def class_ids(self, file: Path) -> np.ndarray:
        """(H, W) uint8 class ids and VOID of a mask file that `image` made.

        Raises one of `images.UNREADABLE`, a ValueError where a pixel has no value of these.
        """
        with by_pillow(file, ("PNG",)) as image:
            pixels = np.asarray(image)
        if pixels.ndim != 2 + self.colored or self.colored and pixels.shape[2] != 3:
            raise ValueError(f"an array of {pixels.shape}")
        if self.colored:
            values, written = _packed(pixels), _packed(np.reshape(self.palette, (256, 3)))
        else:
            values, written = pixels, np.arange(256) if self.grey is None else self.grey
        lookup = np.full(int(values.max()) + 1, UNKNOWN, np.int16)
        meant = np.flatnonzero(self.known & (written < len(lookup)))
        lookup[written[meant]] = meant
        found = _looked_up(values, lookup)
        if found.min() == UNKNOWN:
            raise ValueError(f"it holds {values[found == UNKNOWN][0]}, which no class has")
        return found.astype(np.uint8)


def _packed(colors: np.ndarray) -> np.ndarray:
    """(..., 3) RGB → (...) uint32, one number a colour."""
    red, green, blue = (colors[..., band].astype(np.uint32) for band in range(3))
    return red << 16 | green << 8 | blue


def _looked_up(mask: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """(H, W) unsigned → (H, W) of the table's type, some rows at a time."""
    found = np.empty(mask.shape, grey.dtype)
    rows = max(1, LOOKUP_STRIP // max(1, mask.shape[1]))
    for start in range(0, len(mask), rows):
        found[start : start + rows] = grey[mask[start : start + rows]]
    return found


def resolve_mask_values(choice: str, labels: LabelSet, rejecting: bool) -> MaskValues:
    """The values that `--mask-values` names: `palette`, `ids`, or the path of a table of classes (`./ids` if the file
    has such a name).

    rejecting: masks will hold VOID. Raises InputError with every fault of the file.
    """
    if choice in (PALETTE, IDS):
        known = np.arange(256) < len(labels)
        known[VOID] = True
        if choice == IDS:
            return MaskValues(IDS, known, np.arange(256, dtype=np.uint8))
        return MaskValues(PALETTE, known, palette=tuple(labels.flat_palette()))
    path = Path(choice)
    if not path.exists():
        raise InputError(f"{choice}: no such file of mask values ({HINT})")
    try:
        table = class_table.load(path)
    except DataError as error:
        raise InputError(*error.faults) from None
    return _of_table(table, path, labels, rejecting)


def _of_table(table: class_table.ClassTable, path: Path, labels: LabelSet, rejecting: bool) -> MaskValues:
    """Ids if each of the run's classes has one, else colours if each has one. Raises InputError."""
    names = table.labels.names
    meanings = {name: names.index(name) for name in labels.names if name in names}
    written = {value: meaning for value, meaning in table.ids.items() if 0 <= value <= LARGEST_ID}
    ids, colors = _first(written), _first(table.colors)
    faults = []
    if lacking := [name for name in labels.names if name not in meanings]:
        faults.append(f"{path}: lacks {_listed(lacking)} (a [[class]] for each class of the run)")
    unnumbered = [name for name, meaning in meanings.items() if meaning not in ids]
    uncolored = [name for name, meaning in meanings.items() if meaning not in colors]
    by_color = bool(unnumbered) if meanings else not written
    if unnumbered and uncolored:
        faults.append(
            f"{path}: {_listed(unnumbered)} without ids and {_listed(uncolored)} without color "
            "(ids for each class of the run, or a color for each)"
        )
    elif rejecting and VOID not in (colors if by_color else ids):
        form = "void = {colors = [[0, 0, 0]]}" if by_color else "void = {ids = [255]}"
        faults.append(f"{path}: void has no value for rejected pixels (such as {form})")
    if faults:
        raise InputError(*faults)
    classes = {index: meanings[name] for index, name in enumerate(labels.names)} | {VOID: VOID}
    if by_color:
        return _colored({index: colors[meaning] for index, meaning in classes.items() if meaning in colors})
    return _numbered({index: ids[meaning] for index, meaning in classes.items() if meaning in ids})


def _first(meanings: dict[Value, int]) -> dict[int, Value]:
    """Class id or VOID → the first value in the file's order that means it."""
    return {meaning: value for value, meaning in reversed(meanings.items())}


def _listed(names: list[str]) -> str:
    return f"class{'es' * (len(names) > 1)} {', '.join(map(repr, names))}"


def _numbered(values: dict[int, int]) -> MaskValues:
    """With 16 bits for all if one value needs them, so that all masks of a run have the same type."""
    grey = np.zeros(256, np.uint16 if max(values.values()) > 255 else np.uint8)
    grey[list(values)] = list(values.values())
    return MaskValues(_identity(values), np.isin(np.arange(256), list(values)), grey)


def _colored(values: dict[int, tuple[int, ...]]) -> MaskValues:
    palette = np.zeros((256, 3), int)
    palette[list(values)] = list(values.values())
    known = np.isin(np.arange(256), list(values))
    return MaskValues(_identity(values), known, palette=tuple(palette.ravel().tolist()), colored=True)


def _identity(values: object) -> str:
    """Digest of what is written, not of the table's file: a changed comment changes no mask."""
    return f"table {hashlib.sha256(repr(values).encode()).hexdigest()[:16]}"
