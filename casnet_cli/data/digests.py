"""Digests of a data set: of the whole, and of each split's images and labels, which show where two copies differ."""

import hashlib
from collections.abc import Mapping

from casnet_cli.data.sources.base import Entry

PART_DIGITS = 16
"""Hexadecimal digits kept of the digest of a part."""


class ContentDigest:
    """Digests over samples in the order of the file, independent of times, library versions and label encoding."""

    def __init__(self, intensities: str = "") -> None:
        """intensities: the record of other than plain intensities, of which the whole depends."""
        self.whole = hashlib.sha256(intensities.encode())
        self._parts: dict[str, hashlib._Hash] = {}

    def add(self, entry: Entry, image: bytes, label: bytes) -> None:
        """Add a sample. image and label: sha256 of the image, and of the class ids, a byte a pixel."""
        name = f"{entry.split}/{entry.name}".encode()
        self.whole.update(name + image)
        self.whole.update(label)
        if entry.fold is not None or entry.group is not None:
            self.whole.update(f"{entry.fold} {entry.group}".encode())
        for kind, digest in (("images", image), ("labels", label)):
            self._parts.setdefault(f"{entry.split} {kind}", hashlib.sha256()).update(name + digest)

    def parts(self) -> dict[str, str]:
        """The first digits of the digests by part: `train images`, `train labels` and so on."""
        return {part: digest.hexdigest()[:PART_DIGITS] for part, digest in self._parts.items()}


def differences(found: Mapping[str, str], known: Mapping[str, str]) -> tuple[str, ...]:
    """The parts whose digests differ from the known ones; none if there are no known ones."""
    return tuple(part for part in known if found.get(part) != known[part])
