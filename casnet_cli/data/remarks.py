"""Decisions that are taken file by file while data are read, kept to be said once in total."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from casnet_cli.util.text import count, percent

NAMED = 3
"""Shapes that a remark names."""

NAMED_VALUES = 8
"""Values of masks that a remark names."""


@dataclass(frozen=True)
class Remark:
    """A decision, and the files it was taken for."""

    text: str
    """What was decided, in words that follow the number of files or pixels."""
    files: tuple[Path, ...]
    """The files, in the order of their names."""
    pixels: int
    """Pixels of these files that it concerns; 0: it concerns the files as a whole."""
    total: int
    """All pixels of these files, where some are counted."""
    shapes: int = 0
    """Shapes in these files that it concerns; 0: it concerns files or pixels."""
    names: tuple[str, ...] = ()
    """The first of these shapes, with their files; or the values of these pixels."""

    @property
    def line(self) -> str:
        """Such as `3 files: 1,204 pixels (0.4 %) taken for the nearest colour`, or `2 shapes without a pixel: …`."""
        if self.shapes:
            more = f" and {self.shapes - len(self.names):,} more" if self.shapes > len(self.names) else ""
            return f"{count(self.shapes, 'shape')} {self.text}: {', '.join(self.names)}{more}"
        counted = f"{count(self.pixels, 'pixel')} ({percent(self.pixels / self.total)} %) " if self.pixels else ""
        more = f" and {len(self.names) - NAMED_VALUES:,} more" if len(self.names) > NAMED_VALUES else ""
        values = f": {', '.join(self.names[:NAMED_VALUES])}{more}" if self.names else ""
        return f"{count(len(self.files), 'file')}: {counted}{self.text}{values}"


class Remarks:
    """Collects decisions from any thread; a file that is read twice counts once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, dict[Path, tuple[int, int]]] = {}
        self._values: dict[str, dict[str, None]] = {}
        self._shapes: dict[str, dict[Path, tuple[int, tuple[str, ...]]]] = {}

    def add(self, text: str, file: Path, pixels: int = 0, total: int = 0, values: Sequence[str] = ()) -> None:
        """text: as `Remark.text`. pixels, total: pixels of the file that it concerns, and all of them. values: theirs,
        where the text does not say them."""
        with self._lock:
            self._found.setdefault(text, {})[file] = (pixels, total)
            self._values.setdefault(text, {}).update(dict.fromkeys(values))

    def add_shapes(self, text: str, file: Path, names: Sequence[str]) -> None:
        """text: as `Remark.text`, behind `3 shapes`. names: how messages name them; none: nothing is added."""
        if names:
            with self._lock:
                self._shapes.setdefault(text, {})[file] = (len(names), tuple(names[:NAMED]))

    def all(self) -> list[Remark]:
        """Every decision so far, in the order of their texts; those on shapes last."""
        with self._lock:
            of_shapes = [
                Remark(
                    text,
                    tuple(sorted(files)),
                    0,
                    0,
                    sum(number for number, _ in files.values()),
                    tuple(name for file in sorted(files) for name in files[file][1])[:NAMED],
                )
                for text, files in sorted(self._shapes.items())
            ]
            return [
                Remark(
                    text,
                    tuple(sorted(files)),
                    sum(one for one, _ in files.values()),
                    sum(number for _, number in files.values()),
                    names=tuple(sorted(self._values[text], key=lambda value: (len(value), value))),
                )
                for text, files in sorted(self._found.items())
            ] + of_shapes
