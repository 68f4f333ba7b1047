"""Downloads from a loopback server that misbehaves by a script."""

import errno
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from casnet_cli.data import download
from casnet_cli.data.download import fetch
from casnet_cli.errors import CasnetError

BODY = bytes(range(256)) * 2000


class Handler(BaseHTTPRequestHandler):
    """Plays one word of `server.script` a request, "ranges" once it is used up, and notes the requested ranges.

    ranges, plain: the file, with and without support for ranges. drop: half of the requested bytes, then the end.
    chunked: without a length. other: a range that was not requested. bare416: 416 without the length of the file.
    stall: nothing until the server ends. A number: that status. Anything else: a redirection there.
    """

    # Chunked bodies do not exist in HTTP/1.0, the default.
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        server, body = self.server, self.server.body
        requested = self.headers.get("Range")
        server.requested.append(requested)
        word = server.script.pop(0) if server.script else "ranges"
        start = int(re.fullmatch(r"bytes=(\d+)-", requested)[1]) if requested and word != "plain" else 0
        if word == "stall":
            server.ended.wait(10)
        elif word.isdigit():
            self.reply(int(word), {"Content-Length": "4"}, b"oops")
        elif "://" in word:
            self.reply(302, {"Location": word, "Content-Length": "0"}, b"")
        elif start and start >= len(body):
            extra = {} if word == "bare416" else {"Content-Range": f"bytes */{len(body)}"}
            self.reply(416, extra | {"Content-Length": "0"}, b"")
        elif word == "chunked":
            self.reply(200, {"Transfer-Encoding": "chunked"}, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            rest = body[start:]
            headers = {"Content-Length": str(len(rest))}
            if start:
                first = start + 1 if word == "other" else start
                headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            self.reply(206 if start else 200, headers, rest[: len(rest) // 2] if word == "drop" else rest)

    def reply(self, status, headers, content):
        self.send_response(status)
        for name, value in (headers | {"Connection": "close"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.script, server.requested, server.body, server.ended = [], [], BODY, threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/set.zip"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.ended.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path):
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw" / "set.zip"


def get(server, target, **options):
    fetch(server.url, target, **{"backoff_seconds": 0.001, "timeout_seconds": 5} | options)


def part_of(target):
    return target.with_name(target.name + ".part")


def fails(server, target, *words, **options):
    with pytest.raises(CasnetError) as caught:
        get(server, target, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in (f"{server.url}: could not be downloaded: ", *words):
        assert word in message
    assert not target.exists()


def test_a_file_comes_whole_with_progress(server, target):
    progress, target = [], target.parent / "new" / "folder" / "set.zip"
    get(server, target, on_progress=lambda *counts: progress.append(counts))
    assert target.read_bytes() == BODY
    assert not part_of(target).exists()
    assert progress[0] == (0, len(BODY)) and progress[-1] == (len(BODY), len(BODY))


def test_a_part_is_resumed(server, target):
    part_of(target).write_bytes(BODY[:1000])
    server.script = ["drop"]
    progress = []
    get(server, target, on_progress=lambda *counts: progress.append(counts))
    assert target.read_bytes() == BODY
    assert server.requested[0] == "bytes=1000-"
    assert progress[0] == (1000, len(BODY))


def test_a_dropped_connection_is_resumed_where_it_broke(server, target):
    server.script = ["drop", "drop"]
    get(server, target)
    assert target.read_bytes() == BODY
    assert server.requested == [None, f"bytes={len(BODY) // 2}-", f"bytes={len(BODY) * 3 // 4}-"]


@pytest.mark.parametrize("word", ["plain", "chunked"])
def test_a_server_without_ranges_starts_over(server, target, word):
    part_of(target).write_bytes(b"x" * 1000)
    server.script = [word]
    progress = []
    get(server, target, on_progress=lambda *counts: progress.append(counts))
    assert target.read_bytes() == BODY
    assert progress[-1] == (len(BODY), len(BODY) if word == "plain" else None)


def test_a_range_that_was_not_requested_is_not_appended(server, target):
    part_of(target).write_bytes(BODY[:1000])
    server.script = ["other"]
    get(server, target)
    assert target.read_bytes() == BODY
    assert server.requested == ["bytes=1000-", None]


def test_a_complete_part_is_put_into_place(server, target):
    part_of(target).write_bytes(BODY)
    get(server, target)
    assert target.read_bytes() == BODY and len(server.requested) == 1


@pytest.mark.parametrize(("word", "length"), [("ranges", len(BODY) + 5), ("bare416", len(BODY))])
def test_a_part_of_another_file_is_thrown_away(server, target, word, length):
    part_of(target).write_bytes(b"x" * length)
    server.script = [word]
    get(server, target, attempts=1)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("word", ["503", "500"])
def test_faults_of_the_server_are_retried(server, target, word):
    server.script = [word, word, word]
    get(server, target)
    assert target.read_bytes() == BODY
    server.requested.clear()
    server.script = [word] * 3
    fails(server, target.with_name("other"), f"HTTP {word}", "2 attempts", attempts=2)
    assert len(server.requested) == 2


@pytest.mark.parametrize("word", ["404", "403", "416"])
def test_faults_of_the_address_are_not_retried(server, target, word):
    server.script = [word]
    fails(server, target, f"HTTP {word}", "check the address")
    assert len(server.requested) == 1


def test_the_part_is_kept_for_the_next_call(server, target):
    server.script = ["drop"]
    half = len(BODY) // 2
    fails(server, target, f"ended after {half} of {len(BODY)} bytes", f"{half} bytes are kept", attempts=1)
    assert part_of(target).read_bytes() == BODY[: len(BODY) // 2]
    get(server, target)
    assert target.read_bytes() == BODY


def test_pauses_double(server, target, monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.script = ["503"] * 4
    fails(server, target, "4 attempts", backoff_seconds=1.0)
    assert pauses == [1.0, 2.0, 4.0]


def test_silence_ends_an_attempt(server, target):
    server.script = ["stall"]
    fails(server, target, "timed out", attempts=1, timeout_seconds=0.2)


def test_redirections_stay_on_the_web(server, target):
    server.script = [server.url]
    get(server, target)
    assert target.read_bytes() == BODY
    for elsewhere in ("ftp://127.0.0.1/x", "file:///etc/passwd"):
        server.script = [elsewhere]
        fails(server, target.with_name("other"), elsewhere, "expected http:// or https://", attempts=1)


@pytest.mark.parametrize("url", ["ftp://x/y", "file:///etc/passwd", "set.zip", "", "http://", "http://[x/"])
def test_other_addresses_are_refused(tmp_path, url):
    with pytest.raises(CasnetError, match="not a web address"):
        fetch(url, tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_addresses_that_lead_nowhere_are_one_line(server, target):
    server.url += "/a b"
    fails(server, target)
    server.url = "http://127.0.0.1:1/set.zip"
    fails(server, target, "refused", "2 attempts", attempts=2)


def test_a_full_disk_is_one_line_and_not_retried(server, target, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download.os, "fsync", full)
    fails(server, target, "No space left on device", "free some space")
    assert len(server.requested) == 1
    assert part_of(target).exists()


def test_a_target_that_cannot_be_written_is_one_line(server, target):
    target.with_name("file").write_text("")
    fails(server, target.with_name("file") / "set.zip", "File exists")


def test_an_interrupt_keeps_the_part(server, target):
    def interrupt(received, total):
        if received:
            raise KeyboardInterrupt

    target.write_bytes(b"an older file")
    with pytest.raises(KeyboardInterrupt):
        get(server, target, on_progress=interrupt)
    assert target.read_bytes() == b"an older file"
    assert BODY.startswith(part_of(target).read_bytes()) and part_of(target).stat().st_size
    get(server, target)
    assert target.read_bytes() == BODY
