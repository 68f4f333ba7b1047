"""What a data set holds as digests: of the whole, and of each split's images and labels to say where copies differ."""

import hashlib
from collections.abc import Mapping

from casnet_cli.data.sources.base import Entry

PART_DIGITS = 16


class ContentDigest:
    """Digests over samples in the order of the file; the clock, the library and the label's encoding play no part."""

    def __init__(self) -> None:
        self.whole = hashlib.sha256()
        self._parts: dict[str, hashlib._Hash] = {}

    def add(self, entry: Entry, image: bytes, label: bytes) -> None:
        """image and label: sha256 of the encoded image as found, and of the class ids, a byte a pixel."""
        name = f"{entry.split}/{entry.name}".encode()
        self.whole.update(name + image)
        self.whole.update(label)
        for kind, digest in (("images", image), ("labels", label)):
            self._parts.setdefault(f"{entry.split} {kind}", hashlib.sha256()).update(name + digest)

    def parts(self) -> dict[str, str]:
        """`train images`, `train labels` and so on, the first hexadecimal digits of each."""
        return {part: digest.hexdigest()[:PART_DIGITS] for part, digest in self._parts.items()}


def differences(found: Mapping[str, str], known: Mapping[str, str]) -> tuple[str, ...]:
    """The parts of a copy that are not as they are known; none where nothing is known."""
    return tuple(part for part in known if found.get(part) != known[part])
