"""Standard output and standard error that outlive whoever reads them: what cannot be written is dropped."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TextIO, cast

from casnet_cli.errors import reason

PLAIN = str.maketrans({"…": "...", "━": "#", "─": "-", "→": "->", "−": "-", "–": "-", "≥": ">=", "≤": "<="})
"""What stands for signs that an output of another encoding than UTF-8 may lack."""


class LastingStream(io.TextIOBase):
    """A stream whose reader may go away, whose disk may be full, and whose encoding may lack a character.

    Writing to it raises none of these: a training or an evaluation goes on without its log. `fault` names the last.
    """

    fault: str | None = None
    """Why something was dropped, in a few words; None: nothing was, or the reader left, as `head` does."""

    def __init__(self, stream: IO[str] | None):
        """stream: None where the output was closed before the process began."""
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """A character that the encoding lacks becomes an escape."""
        return "backslashreplace"

    def write(self, text: str) -> int:
        """Write as much as is possible; returns the length of the text."""
        if self._stream is not None:
            with self._kept():
                try:
                    self._stream.write(text)
                except UnicodeEncodeError:
                    known = text.translate(PLAIN).encode(self.encoding, self.errors)
                    self._stream.write(known.decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            with self._kept():
                self._stream.flush()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Keep a failure of the block to itself."""
        try:
            yield
        except BrokenPipeError:
            pass
        except (OSError, ValueError, RuntimeError) as error:  # full; closed; a signal's handler writes within a write
            self.fault = reason(error)

    def close(self) -> None:
        """Nothing: the stream belongs to the process."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # it is closed
            return False

    def fileno(self) -> int:
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()


def lasting(stream: IO[str] | None) -> LastingStream:
    """The stream as one that outlives its reader."""
    return stream if isinstance(stream, LastingStream) else LastingStream(stream)


def outlive_readers() -> None:
    """Let the process's own output outlive its readers, whoever writes to it."""
    keep_descriptors()
    sys.stdout, sys.stderr = (cast(TextIO, lasting(stream)) for stream in (sys.stdout, sys.stderr))


def keep_descriptors() -> None:
    """Open the descriptors 0 to 2 where the shell has closed them.

    Else the next files would take these numbers, and what libraries write to standard error would end up in them.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number
