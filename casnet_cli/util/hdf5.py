"""HDF5 files from outside: opened only if they are in one piece, hold plain arrays, and claim no more than they hold.

HDF5 itself reads other files through links and external storage, loads plugins for filters, and makes arrays as large
as a few bytes claim.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from casnet_cli.errors import reason
from casnet_cli.util import locks
from casnet_cli.util.hdf5_header import check_heap, raw_attributes

MOST_OBJECTS, DEEPEST = 20_000, 16
"""Groups and datasets of a file, and groups within each other."""

MOST_ATTRIBUTES, LARGEST_ATTRIBUTE, MOST_TEXTS = 1_000, 1 << 20, 1_024
"""Attributes of an object, bytes of one, and texts of any length in one."""

NUMBERS_AND_TEXTS = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM, h5py.h5t.STRING)
"""Classes of types of an array's elements; beside them rows of bytes of any length."""

REFERENCE = np.dtype([("length", "<u4"), ("heap", "<u8"), ("index", "<u4")])
"""How a file refers to a row of any length."""

STORED = (h5py.h5g.GroupID, h5py.h5d.DatasetID)
"""What a file may be made of."""


def open_outside(path: Path, arrays: bool = True) -> h5py.File:
    """The file, open for reading. Raises OSError if it is damaged, or if anything in it is no part of a file of plain
    arrays: links, external or virtual storage, compression, other types, sizes beyond the file's. Before that nothing
    but its structure is read.

    arrays: False checks the attributes of the root alone, where nothing else will be read: that is faster.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        if error.errno not in locks.WITHOUT:
            raise
        file = h5py.File(path, "r", locking=False)  # on file systems without locks
    try:
        _check(file.id, arrays)
    except OSError:
        file.close()
        raise
    except Exception as error:  # h5py raises many kinds on damaged files
        file.close()
        raise OSError(f"damaged: {reason(error)}") from None
    return file


def plain_attributes(attributes: Mapping[str, object]) -> dict[str, object]:
    """Attributes without NumPy's types: numbers, texts, and lists of them. Raises OSError for a damaged one."""
    return {name: plain_attribute(attributes, name) for name in attributes}


def plain_attribute(attributes: Mapping[str, object], name: str) -> object:
    """One of them; None: there is none of that name. Raises OSError if it is damaged."""
    try:
        value = attributes.get(name)
    except Exception as error:  # h5py raises many kinds
        raise OSError(f"attribute {name}: damaged: {reason(error)}") from None
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _check(file: h5py.h5f.FileID, arrays: bool) -> None:
    """Raises OSError, or whatever h5py raises on a damaged file."""
    bytes_of = file.get_vfd_handle()  # of the same file, though another may have taken its place meanwhile
    size, claimed = os.fstat(bytes_of).st_size, 0
    if file.get_create_plist().get_userblock():
        raise OSError("begins with bytes of another format")
    root = h5py.h5g.open(file, b"/")
    for name, found in _objects(root) if arrays else [("/", root)]:
        _check_attributes(found, name, bytes_of)
        if not isinstance(found, h5py.h5d.DatasetID):
            continue
        _check_storage(found.get_create_plist(), name)
        any_length = _any_length(found.get_type(), name)
        element = REFERENCE.itemsize if any_length else found.get_type().get_size()
        elements = _elements(found)
        claimed += elements * element
        if claimed > size:
            raise OSError(f"{name} claims {elements:,} elements, which are more bytes than the file has")
        if any_length and elements:
            _check_lengths(found, name, bytes_of)


def _objects(root: h5py.h5g.GroupID) -> Iterator[tuple[str, h5py.h5g.GroupID | h5py.h5d.DatasetID]]:
    """Each group and dataset once, with its name. Raises OSError for a link that is not a plain name of an object."""
    seen = set()
    pending = [("", root, 0)]
    while pending:
        name, found, depth = pending.pop()
        address = h5py.h5o.get_info(found).addr
        if address in seen:
            continue
        seen.add(address)
        yield name or "/", found
        if not isinstance(found, h5py.h5g.GroupID):
            continue
        if depth == DEEPEST or len(seen) + len(pending) + found.get_num_objs() > MOST_OBJECTS:
            raise OSError(f"{name}: more than {MOST_OBJECTS:,} objects, or groups more than {DEEPEST} deep")
        for key in found:
            below = f"{name}/{_text(key)}".removeprefix("/")
            if found.links.get_info(key).type != h5py.h5l.TYPE_HARD:
                raise OSError(f"{below} is a link to what lies elsewhere")
            opened = h5py.h5o.open(found, key)
            if not isinstance(opened, STORED):
                raise OSError(f"{below} is neither a group nor an array")
            pending.append((below, opened, depth + 1))


def _check_attributes(found: h5py.h5g.GroupID | h5py.h5d.DatasetID, name: str, file: int) -> None:
    """Raises OSError for more attributes, or larger ones, than a file of arrays needs. file: its descriptor."""
    number = h5py.h5a.get_num_attrs(found)
    if number > MOST_ATTRIBUTES:
        raise OSError(f"{name} has more than {MOST_ATTRIBUTES:,} attributes")
    texts: dict[bytes, int] = {}
    for index in range(number):
        attribute = h5py.h5a.open(found, index=index)
        where = f"{name} attribute {_text(attribute.name)}"
        kind, elements = attribute.get_type(), _elements(attribute)
        if isinstance(kind, h5py.h5t.TypeVlenID):
            raise OSError(f"{where} holds neither numbers nor texts")
        any_length = _any_length(kind, where)
        bytes_of_one = REFERENCE.itemsize if any_length else kind.get_size()
        if elements * bytes_of_one > LARGEST_ATTRIBUTE or (any_length and elements > MOST_TEXTS):
            raise OSError(f"{where} claims {elements:,} elements of {bytes_of_one:,} bytes")
        if any_length and elements:
            texts[attribute.name] = elements
    if texts:
        raw = raw_attributes(file, h5py.h5o.get_info(found).addr)
        if not texts.keys() <= raw.keys():
            raise OSError(f"{name} has attributes that stand apart from it")
        rows = [np.frombuffer(raw[key], REFERENCE, elements) for key, elements in texts.items()]
        if _total(rows) > os.fstat(file).st_size:
            raise OSError(f"{name} has attributes that claim to be longer than the file")
        _check_heaps(np.concatenate(rows), file)


def _elements(found: h5py.h5d.DatasetID | h5py.h5a.AttrID) -> int:
    shape: tuple[int, ...] | None = found.shape
    return 0 if shape is None else math.prod(shape)


def _any_length(kind: h5py.h5t.TypeID, name: str) -> bool:
    """Whether elements are texts or bytes of any length. Raises OSError for a type that is foreign."""
    if isinstance(kind, h5py.h5t.TypeVlenID):
        base = kind.get_super()
        if base.get_class() == h5py.h5t.INTEGER and base.get_size() == 1:
            return True
    elif kind.get_class() in NUMBERS_AND_TEXTS:
        return bool(kind.get_class() == h5py.h5t.STRING and kind.is_variable_str())
    raise OSError(f"{name} holds neither numbers nor texts nor bytes")


def _check_storage(settings: h5py.h5p.PropDCID, name: str) -> None:
    """Raises OSError unless the bytes of an array lie in this file as they are."""
    if settings.get_external_count():
        raise OSError(f"{name} is stored in another file")
    if settings.get_layout() == h5py.h5d.VIRTUAL:
        raise OSError(f"{name} is a view of other arrays or files")
    if settings.get_nfilters():
        raise OSError(f"{name} is compressed or filtered (h5repack -f NONE FILE COPY undoes it)")


def _check_lengths(dataset: h5py.h5d.DatasetID, name: str, file: int) -> None:
    """Raises OSError if the rows of an array of rows of any length are together longer than the file."""
    place, stored = dataset.get_offset(), dataset.get_storage_size()
    if place is None or stored != _elements(dataset) * REFERENCE.itemsize:
        raise OSError(f"{name} is not stored in one piece (h5repack -l CONTI FILE COPY mends it)")
    rows = np.frombuffer(os.pread(file, stored, place), REFERENCE)
    if _total([rows]) > os.fstat(file).st_size:
        raise OSError(f"{name} claims rows that are longer than the file")
    if dataset.get_type().get_class() == h5py.h5t.STRING:
        _check_heaps(rows, file)


def _check_heaps(rows: np.ndarray, file: int) -> None:
    """Raises ValueError or struct.error if a heap that holds texts is not whole."""
    for address in np.unique(rows["heap"][rows["length"] > 0]):
        check_heap(file, int(address))


def _total(rows: Sequence[np.ndarray]) -> int:
    """Bytes of all rows of any length."""
    return sum(int(some["length"].sum(dtype=np.uint64)) for some in rows)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
