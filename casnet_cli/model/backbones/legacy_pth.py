"""Reads the state dict of a `.pth` file in PyTorch's legacy format without PyTorch and without running its pickle.

The file is a run of pickles followed by raw memory:

    magic number | protocol 1001 | system info | the object | storage keys | per key: int64 count, count elements

The object names its tensors' memory by storage key only; the memory comes after it. Tensors are therefore kept as
views (key, offset, size, stride) while unpickling and filled in at the end.
"""

import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from casnet_cli.errors import WeightsError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
# Element types on disk. The values stand in for PyTorch's storage classes while unpickling: strings, because a
# pickle can neither call nor change them.
STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def read_state(path: str | Path) -> dict[str, np.ndarray]:
    """Read every tensor of a legacy `.pth` state dict.

    Returns name -> array in the order of the file; each array is writable, C-contiguous, float32 or int64, of the
    tensor's shape (scalars have shape ()).

    Raises WeightsError, naming the file, if it cannot be read, is of another format (the zip format of PyTorch 1.6
    and later included), is truncated, holds anything but a flat dict of names to tensors, or names a Python
    object that a state dict does not need. Such an object is never imported or called.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    if data.startswith(b"PK\x03\x04"):
        raise WeightsError(f"{path}: is in PyTorch's zip format (expected the legacy format)")
    try:
        return _parse(io.BytesIO(data))
    except Exception as error:
        # A damaged pickle may raise nearly anything: EOFError, IndexError, UnicodeDecodeError, MemoryError...
        raise WeightsError(f"{path}: {_line(error)}") from error


class _Foreign(Exception):
    """What is wrong with the file, without its name."""


def _line(error: Exception) -> str:
    """The error in one line of bounded length, for it may quote the file."""
    text = str(error) if isinstance(error, _Foreign) else f"is damaged ({type(error).__name__}: {error})"
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


class _StateUnpickler(pickle.Unpickler):
    """Knows the four globals of a state dict and refuses every other, so no pickled code can run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild  # bound, so that a pickle cannot set its attributes, such as its defaults
        raise _Foreign(f"asks for the Python object {f'{module}.{name}'!r}, which no state dict of tensors needs")

    def persistent_load(self, pid: Any) -> _Storage:
        if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
            raise _Foreign(f"refers to {pid!r} (expected a storage)")
        _, dtype, key, _location, count, *view = pid
        if dtype not in STORAGES.values():
            raise _Foreign(f"storage {key!r} has element type {dtype!r}")
        if view not in ([], [None]):
            raise _Foreign(f"storage {key!r} is a view of another, which is not supported")
        return _Storage(str(key), dtype, int(count))

    def _rebuild(self, storage: Any, offset: Any, size: Any, stride: Any, *_unused: Any) -> _View:
        if not isinstance(storage, _Storage):
            raise _Foreign(f"has a tensor whose storage is {storage!r}")
        return _View(storage, int(offset), tuple(int(n) for n in size), tuple(int(n) for n in stride))


def _parse(file: io.BytesIO) -> dict[str, np.ndarray]:
    """Read the whole legacy file. Raises _Foreign, or whatever a damaged pickle raises."""
    try:
        magic = _StateUnpickler(file).load()
    except Exception as error:
        # Most foreign files end here: almost any bytes are some pickle for a while.
        raise _Foreign(f"is no legacy PyTorch file ({error})") from error
    if magic != MAGIC:
        raise _Foreign("is no legacy PyTorch file (the magic number is missing)")
    protocol = _StateUnpickler(file).load()
    if protocol != PROTOCOL:
        raise _Foreign(f"has protocol {protocol!r} (expected {PROTOCOL})")
    system = _StateUnpickler(file).load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise _Foreign("was not written on a little-endian machine")
    state = _StateUnpickler(file).load()
    if not isinstance(state, dict):
        _not_a_state(type(state).__name__)
    for name, view in state.items():
        if not isinstance(name, str) or not isinstance(view, _View):
            _not_a_state(f"{name!r}: {type(view).__name__}")
    keys = _StateUnpickler(file).load()
    if not isinstance(keys, list):
        raise _Foreign("lacks its list of storage keys")

    storages = {view.storage.key: view.storage for view in state.values()}
    memory = {}
    for key in map(str, keys):
        if key not in storages:
            raise _Foreign(f"stores {key!r}, which no tensor uses")
        memory[key] = _read_memory(file, storages[key])
    missing = sorted(storages.keys() - memory.keys())
    if missing:
        raise _Foreign(f"lacks the storages {', '.join(map(repr, missing))}")
    return {name: view.fill(memory[view.storage.key]) for name, view in state.items()}


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
