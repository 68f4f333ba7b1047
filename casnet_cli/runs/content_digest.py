"""The digest of a checkpoint's content: every array and attribute, whatever the bytes of the HDF5 file around them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

import h5py
import numpy as np

from casnet_cli.util.hdf5 import plain_attributes
from casnet_cli.util.ordered_map import ordered_map

ATTRIBUTE = "content_sha256"
"""Attribute of the root that holds the digest; it is no part of it."""


def content_digest(attributes: Mapping[str, object], arrays: Iterable[tuple[str, np.ndarray]]) -> str:
    """Hexadecimal digits of a sha256 over the attributes, and over name, type, shape and bytes of each array; the order
    makes no difference. Other threads digest while the next array is made. Raises TypeError for arrays of objects.
    """
    known = {name: value for name, value in plain_attributes(attributes).items() if name != ATTRIBUTE}
    of_arrays = sorted(digest.result() for _, digest in ordered_map(_of_array, arrays))
    return sha256(b"".join([json.dumps(known, sort_keys=True).encode(), *of_arrays])).hexdigest()


def stored_arrays(file: h5py.File) -> Iterator[tuple[str, np.ndarray]]:
    """Each array of a file with its name, such as `model/coarse_logits/kernel`."""
    names: list[str] = []
    file.visititems(lambda name, found: names.append(name) if isinstance(found, h5py.Dataset) else None)
    for name in names:
        yield name, file[name][()]


def _of_array(item: tuple[str, np.ndarray]) -> bytes:
    name, array = item
    found = sha256(f"{name} {array.dtype.str} {array.shape}".encode())
    found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.digest()
