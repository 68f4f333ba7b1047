"""Reads the state dict of a `.pth` file in PyTorch's legacy format without PyTorch and without running its pickle.

The file is a run of pickles followed by raw memory:

    magic number | protocol 1001 | system info | the object | storage keys | per key: int64 count, count elements

The object names its tensors' memory by storage key only; the memory comes after it. Tensors are therefore kept as
views (key, offset, size, stride) at first and filled in at the end.
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from casnet_cli.errors import WeightsError
from casnet_cli.util.plain_pickle import Call, Name, NotPlain, Reference, read_pickle
from casnet_cli.util.visible import quoted

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
LARGEST = 1 << 29
"""Bytes of a file; those of the largest backbone have a fifth of it."""

STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
"""NumPy's name for the elements of each of PyTorch's classes of memory."""

ORDERED, REBUILD = ("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2")
"""Module and name of the Python objects that a state dict names, beside those of memory."""


def read_state(path: str | Path) -> dict[str, np.ndarray]:
    """Read every tensor of a legacy `.pth` state dict.

    Returns name -> array in the order of the file; each array is writable, C-contiguous, float32 or int64, of the
    tensor's shape (scalars have shape ()).

    Raises WeightsError, naming the file, if it cannot be read, is of another format (the zip format of PyTorch 1.6
    and later included), is truncated, holds anything but a flat dict of names to tensors, or names a Python
    object that a state dict does not need. No object is ever imported or called. Time and memory grow with the size
    of the file alone, which may be 512 MiB at most: tensors have no more elements than the file has bytes.
    """
    path = Path(path)
    try:
        if path.is_file() and path.stat().st_size > LARGEST:
            raise WeightsError(f"{path}: {path.stat().st_size:,} bytes (at most {LARGEST:,})")
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if data.startswith(b"PK\x03\x04"):
        raise WeightsError(f"{path}: is in PyTorch's zip format (expected the legacy format)")
    try:
        return _parse(io.BytesIO(data), len(data))
    except Exception as error:
        # A damaged pickle may raise nearly anything: EOFError, IndexError, UnicodeDecodeError, MemoryError...
        raise WeightsError(f"{path}: {_line(error)}") from error


class _Foreign(Exception):
    """What is wrong with the file, without its name."""


def _line(error: Exception) -> str:
    """The error in one line of bounded length, for it may quote the file."""
    text = str(error) if isinstance(error, _Foreign | NotPlain) else f"is damaged ({type(error).__name__}: {error})"
    return " ".join(text.split())[:300]


@dataclass(frozen=True)
class _Storage:
    """Memory that tensors share, which stands behind the pickle."""

    key: str
    """Its name in the file."""
    dtype: str
    """NumPy's name of the type of its elements."""
    count: int
    """Number of elements."""


@dataclass(frozen=True)
class _View:
    """A tensor whose memory is still to come."""

    storage: _Storage
    """The memory that it lies in."""
    offset: int
    """Elements before its first one."""
    size: tuple[int, ...]
    """Its shape."""
    stride: tuple[int, ...]
    """Along each axis, elements from one to the next."""

    def fill(self, memory: np.ndarray) -> np.ndarray:
        """Copy the view out of its storage's memory, (count,). Raises _Foreign if it reaches outside."""
        if len(self.size) != len(self.stride) or min((self.offset, *self.size, *self.stride), default=0) < 0:
            raise _Foreign(f"a tensor has size {self.size}, stride {self.stride}, offset {self.offset}")
        # as_strided checks nothing: without this a bad file would read foreign memory.
        last = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if 0 not in self.size and last >= memory.size:
            raise _Foreign(f"a tensor reaches element {last} of a storage of {memory.size}")
        if 0 in self.size:
            return np.empty(self.size, memory.dtype)
        strides = tuple(step * memory.itemsize for step in self.stride)
        view = np.lib.stride_tricks.as_strided(memory[self.offset :], self.size, strides)
        return np.array(view, dtype=memory.dtype.newbyteorder("="), order="C")


def _known(name: Name) -> bool:
    return (name.module, name.name) in (ORDERED, REBUILD) or name.module == "torch" and name.name in STORAGES


def _load(file: io.BytesIO) -> object:
    return read_pickle(file, _known)


def _storage(reference: object) -> _Storage:
    """Of what the pickle has in the place of a tensor's memory. Raises _Foreign."""
    if not isinstance(reference, Reference):
        raise _Foreign(f"has a tensor whose storage is {_shown(reference)}")
    id = reference.id
    if not isinstance(id, tuple) or len(id) not in (5, 6) or id[0] != "storage":
        raise _Foreign("has a tensor whose storage is no storage")
    _, kind, key, _location, count, *view = id
    if not isinstance(kind, Name) or kind.name not in STORAGES or not isinstance(key, str | int):
        raise _Foreign(f"storage {_shown(key)} is of no type of elements that is known")
    if view not in ([], [None]):
        raise _Foreign(f"storage {key!r} is a view of another, which is not supported")
    return _Storage(str(key), STORAGES[kind.name], _whole(count))


def _view(found: object, name: str) -> _View:
    """The tensor of an entry of the state dict. Raises _Foreign."""
    if not isinstance(found, Call) or (found.name.module, found.name.name) != REBUILD or len(found.arguments) < 4:
        _not_a_state(f"{quoted(name)}: {type(found).__name__}")
    storage, offset, size, stride = found.arguments[:4]
    if not isinstance(size, tuple) or not isinstance(stride, tuple):
        raise _Foreign("has a tensor without size or stride")
    return _View(_storage(storage), _whole(offset), tuple(map(_whole, size)), tuple(map(_whole, stride)))


def _shown(value: object) -> str:
    """A text or a number; of anything else its type, for it may hold itself a million times."""
    return quoted(value) if isinstance(value, str | int) else type(value).__name__


def _whole(number: object) -> int:
    if type(number) is not int:
        raise _Foreign(f"has {_shown(number)} in the place of a whole number")
    return number


def _parse(file: io.BytesIO, length: int) -> dict[str, np.ndarray]:
    """Read the whole legacy file of `length` bytes. Raises _Foreign, or whatever a damaged pickle raises."""
    try:
        magic = _load(file)
    except Exception as error:
        # Most foreign files end here: almost any bytes are some pickle for a while.
        raise _Foreign(f"is no legacy PyTorch file ({error})") from error
    if magic != MAGIC:
        raise _Foreign("is no legacy PyTorch file (the magic number is missing)")
    protocol = _load(file)
    if protocol != PROTOCOL:
        raise _Foreign(f"has protocol {_shown(protocol)} (expected {PROTOCOL})")
    system = _load(file)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise _Foreign("was not written on a little-endian machine")
    state = _load(file)
    if not isinstance(state, dict):
        _not_a_state(type(state).__name__)
    views = {name: _view(found, name) for name, found in state.items()}
    keys = _load(file)
    if not isinstance(keys, list) or not all(isinstance(key, str | int) for key in keys):
        raise _Foreign("lacks its list of storage keys")

    storages = {view.storage.key: view.storage for view in views.values()}
    memory = {}
    for key in map(str, keys):
        if key not in storages:
            raise _Foreign(f"stores {key!r}, which no tensor uses")
        memory[key] = _read_memory(file, storages[key])
    missing = sorted(storages.keys() - memory.keys())
    if missing:
        raise _Foreign(f"lacks the storages {', '.join(map(repr, missing))}")
    if sum(math.prod(view.size) for view in views.values()) > length:
        raise _Foreign(f"has tensors of more elements than its {length:,} bytes hold")
    return {name: view.fill(memory[view.storage.key]) for name, view in views.items()}


def _read_memory(file: io.BytesIO, storage: _Storage) -> np.ndarray:
    """Read one storage at the file's position: (count,) of its element type. Raises _Foreign if there is less."""
    count = int.from_bytes(file.read(8), "little", signed=True)
    if count != storage.count:
        raise _Foreign(f"storage {storage.key!r} is said to hold {storage.count} elements and then {count}; truncated?")
    dtype = np.dtype(storage.dtype)
    raw = file.read(count * dtype.itemsize)
    if count < 0 or len(raw) != count * dtype.itemsize:
        raise _Foreign(f"is truncated: storage {storage.key!r} has {len(raw)} of {count * dtype.itemsize} bytes")
    return np.frombuffer(raw, dtype)


def _not_a_state(found: str) -> NoReturn:
    raise _Foreign(f"holds {found} (expected a flat dict of names to tensors)")
