"""Outputs that break in every way, and what is left of a process whose output is closed."""

import errno
import io
import json
import os
import subprocess
import sys

import pytest

from casnet_cli.util.streams import LastingStream, lasting


class Broken(io.StringIO):
    """A stream that fails at writing, or at the flush that passes on what was written."""

    def __init__(self, error: Exception, at: str):
        super().__init__()
        self.error, self.at = error, at

    def write(self, text: str) -> int:
        if self.at == "write":
            raise self.error
        return super().write(text)

    def flush(self) -> None:
        if self.at == "flush":
            raise self.error


FAILURES = (
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), None),  # the reader has left: nobody misses anything
    (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
    (OSError(errno.EIO, "Input/output error"), "Input/output error"),  # a terminal that is gone
    (ValueError("I/O operation on closed file"), "I/O operation on closed file"),
    (RuntimeError("reentrant call inside <_io.BufferedWriter>"), "reentrant call inside <_io.BufferedWriter>"),
)


@pytest.mark.parametrize("at", ["write", "flush"])
@pytest.mark.parametrize(("error", "fault"), FAILURES, ids=lambda value: type(value).__name__)
def test_what_cannot_be_written_is_dropped(error: Exception, fault: str | None, at: str) -> None:
    stream = LastingStream(Broken(error, at))
    assert stream.write("a line\n") == 7
    stream.flush()
    assert stream.fault == fault


def test_a_stream_that_is_closed_or_was_never_there() -> None:
    gone = io.StringIO()
    gone.close()
    for stream in (LastingStream(None), LastingStream(gone)):
        print("a line", file=stream, flush=True)
        assert not stream.isatty() and stream.encoding == "utf-8"
    with pytest.raises(io.UnsupportedOperation):
        LastingStream(None).fileno()
    assert lasting(stream) is stream


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "é … ━━ 図 🙂"),
        ("latin-1", "é ... ## \\u56f3 \\U0001f642"),
        ("ascii", "\\xe9 ... ## \\u56f3 \\U0001f642"),
    ],
)
def test_a_character_that_the_encoding_lacks(encoding: str, shown: str) -> None:
    raw = io.BytesIO()
    stream = LastingStream(io.TextIOWrapper(raw, encoding))
    stream.write("é … ━━ 図 🙂")
    stream.flush()
    assert raw.getvalue().decode(encoding) == shown and stream.fault is None


def run(code: str, redirections: str) -> "subprocess.CompletedProcess[str]":
    """Python code after outlive_readers(), below a shell that redirects; its messages go to standard error's pipe."""
    words = [sys.executable, "-c", f"from casnet_cli.util.streams import *\noutlive_readers()\n{code}"]
    line = f'exec 3>&2; "$0" "$@" {redirections}'
    return subprocess.run(["bash", "-c", line, *words], capture_output=True, text=True)


def test_files_do_not_get_the_numbers_of_closed_outputs(tmp_path: "os.PathLike[str]") -> None:
    """0, 1 and 2 are taken, by what a library may write to and a child process inherits."""
    file = os.path.join(tmp_path, "checkpoint")
    code = (
        f"held = open({file!r}, 'w'); import os, json, subprocess\n"
        "os.write(2, b'a library complains')\n"
        "child = subprocess.run(['true']).returncode, [os.get_inheritable(n) for n in range(3)]\n"
        "print('dropped'); print('dropped', file=sys.stderr)\n"
        "os.write(3, json.dumps([held.fileno() > 3, *child]).encode())"
    )
    done = run(code, "<&- >&- 2>&-")
    assert done.returncode == 0 and json.loads(done.stderr) == [True, 0, [True] * 3]
    with open(file) as written:
        assert written.read() == ""


@pytest.mark.parametrize("redirections", ["| true", ">/dev/full", ">&-", "2>&1 >/dev/full | true"])
def test_python_itself_says_nothing_at_its_end(redirections: str) -> None:
    """Without outlive_readers it ends with 120 and "Exception ignored", or with a traceback."""
    code = "import time; time.sleep(0.2); print('a' * 9000); print('b', file=sys.stderr); print('c')"
    done = run(code, redirections + "; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr.strip()) in ((0, "b"), (0, ""))
