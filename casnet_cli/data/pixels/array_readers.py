"""NumPy's `.npy` files, and the PBM, PGM and PPM files of Netpbm with their values as stored."""

import re
from typing import IO

import numpy as np

from casnet_cli.data.pixels.picture import COLORS, GREY, Picture, PictureInfo, numbered

_MOST_HEADER = 1 << 16
_MOST_BANDS = 64
DOUBT = (
    "its array of shape {shape} may have its bands first, and here they come last (np.moveaxis(a, 0, -1) puts them "
    "there; write a picture of fewer rows than bands as TIFF)"
)
"""Why an array is refused whose first side is no larger than its last, unless a run has as many bands as the last."""

_DESCR = re.compile(r"'descr'\s*:\s*'([<>|=]?[a-z?][0-9]*)'")
_ORDER = re.compile(r"'fortran_order'\s*:\s*(True|False)")
_SHAPE = re.compile(r"'shape'\s*:\s*\(([0-9, ]*)\)")


def npy_info(file: IO[bytes]) -> PictureInfo:
    """Facts by the header."""
    return _npy_header(file)[0]


def npy_read(file: IO[bytes]) -> Picture:
    """The array with its bands last, in the computer's order of bytes; booleans as 0 and 1."""
    found, stored, fortran = _npy_header(file)
    shape = (found.size[1], found.size[0], len(found.bands))
    count = shape[0] * shape[1] * shape[2]
    content = file.read(count * stored.itemsize)
    if len(content) < count * stored.itemsize:
        raise ValueError("the file is truncated")
    values = np.frombuffer(content, stored).reshape(shape, order="F" if fortran else "C")
    return Picture(found, np.ascontiguousarray(values).astype(found.dtype))


def _npy_header(file: IO[bytes]) -> tuple[PictureInfo, np.dtype, bool]:
    """Facts, the type as stored, and whether columns lie together; the file is at its values then.

    NumPy's own reader parses the header by `ast`, which fails now and then on several threads of Python 3.11, and
    can unpickle objects.
    """
    head = file.read(8)
    length = int.from_bytes(file.read(2 if head[6:7] == b"\x01" else 4), "little")
    if length > _MOST_HEADER:
        raise ValueError("its header is damaged")
    text = file.read(length).decode("latin1")
    descr, order, shape = _DESCR.search(text), _ORDER.search(text), _SHAPE.search(text)
    if not (descr and order and shape):
        raise ValueError("it holds no array of numbers (expected integers, floats or booleans)")
    stored = np.dtype(descr[1])
    if stored.kind not in "biuf" or stored.itemsize > 8:
        raise ValueError(f"it holds values of type {stored} (expected integers, floats or booleans)")
    sides = tuple(int(side) for side in shape[1].replace(" ", "").split(",") if side)
    if len(sides) not in (2, 3) or 0 in sides:
        raise ValueError(f"it holds an array of shape {sides} (expected height, width, and perhaps bands)")
    bands = sides[2] if len(sides) == 3 else 1
    if bands > _MOST_BANDS:
        raise ValueError(f"it holds an array of shape {sides}, {bands} bands (bands come last, at most {_MOST_BANDS})")
    names = (GREY,) if bands == 1 else COLORS if bands == 3 else numbered(bands)
    dtype, bits = ("uint8", 1) if stored.kind == "b" else (stored.newbyteorder("=").name, 8 * stored.itemsize)
    doubt = DOUBT.format(shape=sides) if bands > 1 and sides[0] <= bands else None
    found = PictureInfo("NPY", (sides[1], sides[0]), bits, dtype, names, doubt=doubt)
    return found, stored, order[1] == "True"


def pnm_info(file: IO[bytes]) -> PictureInfo:
    """Facts by the header."""
    return _pnm_header(file)[0]


def pnm_read(file: IO[bytes]) -> Picture:
    """The values as stored; of PBM 1 is black."""
    found, kind = _pnm_header(file)
    width, height = found.size
    bands = len(found.bands)
    count = width * height * bands
    if kind in b"123":
        text = re.sub(rb"#[^\n]*", b"", file.read())
        words = re.findall(rb"[01]", text) if kind == b"1" else text.split()
        values: np.ndarray = np.array(words[:count], dtype="S8").astype(np.int64)
    elif kind == b"4":
        row = (width + 7) // 8
        packed = np.frombuffer(file.read(row * height), np.uint8)
        whole = len(packed) == row * height
        values = np.unpackbits(packed.reshape(height, row), axis=1)[:, :width].ravel() if whole else packed[:0]
    else:
        stored = np.dtype(">u2" if found.bits > 8 else np.uint8)
        values = np.frombuffer(file.read(count * stored.itemsize), stored) if count else np.empty(0, stored)
    if values.size < count:
        raise ValueError("the file is truncated")
    if values.min() < 0 or values.max() >> found.bits:
        raise ValueError("it holds a value above the largest one that its header names")
    return Picture(found, values.reshape(height, width, bands).astype(found.dtype))


def _pnm_header(file: IO[bytes]) -> tuple[PictureInfo, bytes]:
    """Facts, and the digit of the kind; the file is at its values then."""
    kind = file.read(2)[1:]
    binary = kind in b"14"
    numbers = [_pnm_number(file) for _ in range(2 if binary else 3)]
    largest = 1 if binary else numbers[2]
    if not 0 < largest < 65536:
        raise ValueError(f"its largest value is {largest} (expected 1 to 65535)")
    bits = next(bits for bits in (1, 2, 4, 8, 12, 16) if largest < 1 << bits)
    dtype = "uint16" if bits > 8 else "uint8"
    bands = COLORS if kind in b"36" else (GREY,)
    return PictureInfo("PNM", (numbers[0], numbers[1]), bits, dtype, bands, inverted=binary), kind


def _pnm_number(file: IO[bytes]) -> int:
    """The next number of the header; the one white space behind it is read too."""
    digits = b""
    while True:
        byte = file.read(1)
        if byte == b"#":
            while file.read(1) not in b"\n":
                pass
        elif byte.isdigit() and len(digits) < 9:
            digits += byte
        elif digits and byte.isspace():
            return int(digits)
        elif not byte.isspace():
            raise ValueError("its header is damaged")
