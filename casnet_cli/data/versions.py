"""The earlier versions of a prepared file that pictures were added to: which of its images each of them had.

Later training images stand behind earlier ones, so that a number says which they are.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """A prepared file as it was before something was added."""

    content_sha256: str
    """Digest of its images and labels, by which runs know it."""
    train: int
    """How many training images it had: the first ones of the later file."""


def dumps(versions: tuple[Version, ...]) -> str:
    """As a JSON text; `from_record` reads it."""
    return json.dumps([[one.content_sha256, one.train] for one in versions])


def from_record(record: Sequence[tuple[str, int]], train: int) -> tuple[Version, ...]:
    """The earlier versions of a file, the oldest first. train: its training images. Raises ValueError."""
    found = tuple(Version(digest, number) for digest, number in record)
    numbers = [one.train for one in found]
    if numbers != sorted(numbers) or any(number > train for number in numbers):
        raise ValueError(f"earlier versions of {numbers} training images, of {train}")
    return found
