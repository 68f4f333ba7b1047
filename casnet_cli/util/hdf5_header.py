"""Bytes of attributes, and heaps of texts, as a file holds them: HDF5 makes memory before it compares lengths.

By the HDF5 File Format Specification, IV.A.1: object headers of both versions, with 8 bytes an address and a length.
"""

import os
import struct
from collections.abc import Iterator

ATTRIBUTE, CONTINUATION = 0x0C, 0x10
"""Types of messages of a header."""

SHARED = 2
"""Flag of a message that stands elsewhere."""

MOST_BLOCKS, LARGEST_BLOCK = 256, 1 << 20
"""Pieces of a header, and bytes of each."""

Block = tuple[int, int]
"""Place in the file, and number of bytes."""


def raw_attributes(file: int, address: int) -> dict[bytes, bytes]:
    """The bytes of the values of each attribute in the object header at an address, by the attribute's name; without
    those that stand elsewhere. file: its descriptor. Raises ValueError or struct.error for a header that is none."""
    start = _read(file, (address, 64))
    of_version = _second_version if start.startswith(b"OHDR") else _first_version
    found = of_version(file, start, address)
    return dict(_named(message) for kind, flags, message in found if kind == ATTRIBUTE and not flags & SHARED)


def check_heap(file: int, address: int) -> None:
    """Raises ValueError or struct.error if what stands at an address is no whole heap of texts: HDF5 may loop without
    end, or crash, on one whose objects have impossible sizes (III.E of the same specification).

    file: its descriptor.
    """
    signature, version, size = struct.unpack("<4sB3xQ", os.pread(file, 16, address))
    if signature != b"GCOL" or version != 1 or not 16 <= size <= os.fstat(file).st_size - address:
        raise ValueError("its texts are damaged")
    content, place = os.pread(file, size - 16, address + 16), 0
    while place + 16 <= len(content):
        index, length = struct.unpack_from("<H6xQ", content, place)
        step = 16 + length + -length % 8 if index else length  # the free space, 0, counts its own head
        if step < 16 or place + step > len(content):
            raise ValueError("its texts are damaged")
        place += step


def _named(message: bytes) -> tuple[bytes, bytes]:
    """Name and bytes of the values of an attribute message."""
    version, name, kind, space = struct.unpack_from("<BxHHH", message)
    place, sizes = (9 if version == 3 else 8), (name, kind, space)
    if version == 1:
        sizes = tuple(size + -size % 8 for size in sizes)
    return message[place : place + name].rstrip(b"\0"), message[place + sum(sizes) :]


def _first_version(file: int, start: bytes, address: int) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and content of each message."""
    version, size = struct.unpack_from("<BxxxxxxxI", start)
    if version != 1:
        raise ValueError("its header is none")
    blocks = [(address + 16, size)]
    for block in _followed(blocks):
        content, place = _read(file, block), 0
        while place + 8 <= len(content):
            kind, length, flags = struct.unpack_from("<HHB", content, place)
            message = content[place + 8 : place + 8 + length]
            if kind == CONTINUATION:
                blocks.append(struct.unpack_from("<QQ", message))
            yield kind, flags, message
            place += 8 + length


def _second_version(file: int, start: bytes, address: int) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and content of each message."""
    settings = start[5]
    place = 6 + (16 if settings & 0x20 else 0) + (4 if settings & 0x10 else 0)
    width = 1 << (settings & 3)
    head = 6 if settings & 0x04 else 4
    blocks = [(address + place + width, int.from_bytes(start[place : place + width], "little"))]
    for block in _followed(blocks):
        content, place = _read(file, block), 0
        while place + head <= len(content):
            kind, length, flags = struct.unpack_from("<BHB", content, place)
            message = content[place + head : place + head + length]
            if kind == CONTINUATION:
                target, size = struct.unpack_from("<QQ", message)
                blocks.append((target + 4, size - 8))  # without signature and checksum
            yield kind, flags, message
            place += head + length


def _followed(blocks: list[Block]) -> Iterator[Block]:
    """Each block, those included that are appended meanwhile."""
    for number, block in enumerate(blocks):
        if number == MOST_BLOCKS:
            raise ValueError("its header has too many pieces")
        yield block


def _read(file: int, block: Block) -> bytes:
    place, size = block
    if not 0 <= size <= LARGEST_BLOCK:
        raise ValueError("its header is too large")
    return os.pread(file, size, place)
