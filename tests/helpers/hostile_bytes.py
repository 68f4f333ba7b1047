"""Bytes that nobody meant for a reader, and the property that it answers them with a result or with a fault.

They are arbitrary, or a valid file with bits, words or JSON values changed.
"""

import json
import re
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from casnet_cli.errors import CasnetError

SECONDS, BYTES = 2.0, 512 << 20
"""Processor time and memory that a reader may take for one file."""

NAMES = ("", "\0", "\n", "\x1b[31m", "\u202eb", "[red]a[/]", ":smile:", "../a.png", "/etc/passwd", "x" * 5000, "=1+1")
NUMBERS = (True, -1, 0, 1, 0.5, 255, 2**31, 2**63, -(2**63), 2**64, 10**300, 1e308, float("inf"), float("nan"))
VALUES: tuple[Any, ...] = (None, *NUMBERS, *NAMES, "\udcff", [], {}, [[]], [None], {"": None}, [0] * 300, {"a": {}})
"""What takes the place of a value of JSON."""

WORDS = (
    *(b"", b"{", b"}", b"[", b"]", b'"', b"'", b"\\", b"\n", b"\0", b"\xff", b"=", b",", b":", b'"""'),
    *(b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\x1b[1m", b"true", b"null", b'""', b"[]", b"{}"),
    *(b"nan", b"inf", b"-1", b"0", b"1e400", b"9" * 30, b"9" * 5000, b"0x" + b"f" * 5000, b"1979-05-27T07:32:00Z"),
    *(b"[" * 3000, b'{"a":' * 3000, b"[" * 500 + b"]" * 500, b"a." * 3000 + b"a", b"&a", b"*a", b"<<: *a"),
    *(b"&lol;", b"<a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"!!python/object:os.system"),
)
"""What takes the place of a word, a number or a mark of a text."""

_WORD = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[\w.+-]+|[^\w\s]')


@dataclass(frozen=True)
class Reader:
    """A reader of bytes from outside."""

    name: str
    """As tests name it."""
    file: str
    """Name of the file, below a folder."""
    valid: tuple[bytes, ...]
    """Contents that it takes."""
    read: Callable[[Path], object]
    """What is tested."""
    beside: tuple[tuple[str, bytes], ...] = ()
    """Further files of the folder, by their names."""


@cache
def _words(data: bytes) -> list[tuple[int, int]]:
    return [match.span() for match in _WORD.finditer(data)] or [(0, len(data))]


@cache
def _places(data: bytes) -> list[tuple[Any, ...]]:
    """The ways, by keys and numbers, to each value of a JSON text; none if it is no JSON."""
    try:
        return [*_ways(json.loads(data), ())]
    except ValueError:
        return []


def _ways(value: Any, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield way
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _ways(value[key], (*way, key))


def _with_value(data: bytes, way: tuple[Any, ...], value: Any, how: int) -> bytes:
    """The JSON text with another value there, or without it, or with it as a key, or wrapped, or repeated."""
    whole = json.loads(data)
    if not way:
        return json.dumps(value).encode()
    *above, last = way
    owner = whole
    for key in above:
        owner = owner[key]
    if how == 1:
        del owner[last]
    elif how == 2 and isinstance(owner, dict):
        owner[value if isinstance(value, str) else repr(value)] = owner.pop(last)
    elif how == 3:
        for _ in range(40):
            owner[last] = [owner[last]]
    elif how == 4 and isinstance(owner, list):
        owner[last:last] = [owner[last]] * 30
    else:
        owner[last] = value
    return json.dumps(whole).encode()


@st.composite
def hostile(draw: st.DrawFn, valid: Sequence[bytes]) -> bytes:
    """Arbitrary bytes, a text, any JSON, or one of the valid files with one to three changes."""
    kind = draw(st.integers(0, 11))
    if kind == 0:
        return draw(st.binary(max_size=200))
    if kind == 1:
        return draw(st.text(max_size=80)).encode("utf-8", "surrogatepass")
    data = draw(st.sampled_from(valid))
    if kind < 7 and (places := _places(data)):
        for _ in range(draw(st.integers(1, 2))):
            way, value, how = draw(st.sampled_from(places)), draw(st.sampled_from(VALUES)), draw(st.integers(0, 7))
            data = _with_value(data, way, value, how)
            if not (places := _places(data)):
                break
        return data
    for _ in range(draw(st.integers(1, 3))):
        data = _changed(draw, data, kind % 2 == 0)
    return data


def _changed(draw: st.DrawFn, data: bytes, words: bool) -> bytes:
    """With another word, or another bit, or without an end or a part, or with a part twice."""
    if words:
        start, end = draw(st.sampled_from(_words(data)))
        return data[:start] + draw(st.sampled_from(WORDS)) + data[end:]
    place, how = draw(st.integers(0, max(0, len(data) - 1))), draw(st.integers(0, 4))
    if how == 0:
        return data[:place]
    if how == 1:
        return data[:place] + data[place + draw(st.integers(1, 20)) :]
    if how == 2:
        return data[:place] + data[place : place + 30] * 2 + data[place + 30 :]
    return data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]


class TooLong(BaseException):
    """A reader is at it for longer than it may; no reader catches this."""


@contextmanager
def limited() -> Iterator[None]:
    """More memory than `BYTES` cannot be had in the block, and more processor time than twice `SECONDS` ends it.

    Fails if it took more than `SECONDS`.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    previous = signal.signal(signal.SIGVTALRM, _stop)
    begun = time.process_time()
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + BYTES, before[1]))
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGVTALRM, previous)
    assert time.process_time() - begun < SECONDS


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooLong


def answers(reader: Reader, folder: Path, examples: int) -> None:
    """Fails unless the reader answers each of so many hostile files with a result or a CasnetError, within the limits.

    A fault is of at most 2,000 characters a line, and a line has none that starts another one.
    """
    for name, content in reader.beside:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    file = folder / reader.file
    file.parent.mkdir(parents=True, exist_ok=True)
    for content in reader.valid:
        file.write_bytes(content)
        reader.read(file)

    @settings(_SETTINGS, max_examples=examples)
    @given(hostile(reader.valid))
    def answered(data: bytes) -> None:
        file.write_bytes(data)
        with limited():
            try:
                reader.read(file)
            except CasnetError as error:
                assert len(error.faults) <= 12 and max(map(len, error.faults)) < 2000, error

    answered()


_SETTINGS = settings(
    database=None,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
"""No file is kept, the time is taken here, and the same examples come each time."""
