"""The lines of a manifest as they are read: each is checked once, and what does not fit is foreign."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from casnet_cli.errors import reason
from casnet_cli.prediction.output_files import wrong_names
from casnet_cli.runs.json_record import Record
from casnet_cli.util.model_faults import first_fault
from casnet_cli.util.text import count

if TYPE_CHECKING:
    from casnet_cli.prediction.manifest_entry import ManifestEntry

LONGEST = 1 << 20
"""Bytes of a line at most."""

SHOWN = 200
"""Characters of what is wrong with a line."""


@dataclass
class KnownLines:
    """What the lines of a manifest say, or of several together."""

    done: "dict[str, ManifestEntry]" = field(default_factory=dict)
    """Input → its last line."""
    owners: "dict[str, ManifestEntry]" = field(default_factory=dict)
    """Mask → the last line that names it."""
    made: "dict[str, ManifestEntry]" = field(default_factory=dict)
    """Input whose last line says `failed` → the last one before that does not."""
    contested: set[str] = field(default_factory=set)
    """Masks that lines of several manifests name, made of different inputs, or in different ways."""
    undecided: set[str] = field(default_factory=set)
    """Those among them of whose lines it is not known which is the later one."""
    call: int = 0
    """The largest number of a call; lines of old versions have none and count as 0."""

    def note(self, line: "ManifestEntry") -> None:
        """Take in a line that is later than all so far."""
        file, before = line["file"], self.done.get(line["file"])
        if line["status"] == "ok":
            self.made.pop(file, None)
        elif before and before["status"] == "ok":
            self.made[file] = before
        self.done[file] = line
        if (mask := line["mask"]) is not None:
            self.owners[mask] = line
            self.contested.discard(mask)
            self.undecided.discard(mask)
        self.call = max(self.call, call_of(line))

    def merge(self, other: "KnownLines", fits: "Callable[[ManifestEntry], bool]") -> None:
        """Take in the lines of another manifest: the larger number holds, and of equal ones that whose mask `fits`."""
        self.call = max(self.call, other.call)
        for file, line in other.done.items():
            ours = self.done.get(file)
            holds = ours is None or later(line, ours, fits)
            before = [each for each in (self.made.get(file), other.made.get(file), ours, line) if each]
            if holds:
                self.done[file] = line
            self.made.pop(file, None)
            if self.done[file]["status"] != "ok" and (made := [each for each in before if each["status"] == "ok"]):
                self.made[file] = max(made, key=call_of)
        for mask, line in other.owners.items():
            ours = self.owners.get(mask)
            if ours and (ours["file"], ours["made_with"]) != (line["file"], line["made_with"]):
                self.contested.add(mask)
                equal = (call_of(line), line.get("mask_digest")) == (call_of(ours), ours.get("mask_digest"))
                (self.undecided.add if equal else self.undecided.discard)(mask)
            if ours is None or later(line, ours, fits):
                self.owners[mask] = line


def call_of(line: "ManifestEntry") -> int:
    """The number of the call that wrote a line; 0 for lines of old versions."""
    return line.get("call", 0)


def later(line: "ManifestEntry", other: "ManifestEntry", fits: "Callable[[ManifestEntry], bool]") -> bool:
    """Whether a line of one manifest holds against one of another."""
    if call_of(line) != call_of(other):
        return call_of(line) > call_of(other)
    if line.get("mask_digest") != other.get("mask_digest") or line["status"] != other["status"]:
        return fits(line) and not fits(other)
    return len(line["outputs"] or ()) > len(other["outputs"] or ())


@dataclass
class ForeignLines:
    """Lines of a manifest that casnet did not write, or not as they stand."""

    file: Path
    """The manifest."""
    found: int = 0
    """Number of them."""
    first: int = 0
    """Number of the first, from 1."""
    why: str = ""
    """What is wrong with it."""

    def add(self, number: int, why: str) -> None:
        """Count a line."""
        if not self.found:
            self.first, self.why = number, why if len(why) <= SHOWN else why[:SHOWN] + "…"
        self.found += 1

    @property
    def sentence(self) -> str:
        """In one line for the user."""
        lines = count(self.found, "line") + (" is" if self.found == 1 else " are")
        return f"{self.file}: {lines} not casnet's and left out, line {self.first} first: {self.why}"


def read_lines(file: Path, model: type[Record], foreign: ForeignLines) -> "Iterator[ManifestEntry]":
    """The lines that fit the model; others are counted. A last line that is not finished is left out. Raises
    OSError."""
    with open(file, "rb") as stream:
        for number, line in enumerate(_lines(stream), 1):
            if line is None:
                foreign.add(number, f"longer than {LONGEST >> 20} MiB")
            elif text := line.strip():
                try:
                    yield _checked(text, model)
                except (ValueError, RecursionError) as error:
                    if line.endswith(b"\n"):
                        foreign.add(number, _in_words(error))


def _lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """None for a line that is too long."""
    while line := stream.readline(LONGEST):
        if len(line) < LONGEST or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LONGEST)
        yield None


def _checked(text: bytes, model: type[Record]) -> "ManifestEntry":
    """Raises ValueError, RecursionError."""
    content = json.loads(text, object_pairs_hook=_distinct)
    model.model_validate(content)
    line = cast("ManifestEntry", content)
    if wrong := wrong_names(line):
        raise ValueError(wrong)
    return line


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """With keys and the run's digest in memory once for all lines: they are most of a line. Raises ValueError for a key
    that is there twice."""
    found = {sys.intern(key): value for key, value in pairs}
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    if isinstance(run := found.get("made_with"), str):
        found["made_with"] = sys.intern(run)
    return found


def _in_words(error: ValueError | RecursionError) -> str:
    if isinstance(error, ValidationError):
        return first_fault(error)
    return "no JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else reason(error)


def mend(file: Path) -> None:
    """Cut off a last line that a killed process left unfinished; one that lacks only its newline gets it. Raises
    OSError."""
    with open(file, "rb+") as stream:
        start = max(0, stream.seek(0, os.SEEK_END) - LONGEST)
        stream.seek(start)
        tail = stream.read()
        whole = tail.rfind(b"\n") + 1
        if whole == len(tail):
            return
        try:
            if whole or not start:  # else it is longer than any line of casnet's
                json.loads(tail[whole:])
        except (ValueError, RecursionError):
            stream.truncate(start + whole)
        else:
            stream.write(b"\n")
