"""Download one file over an unreliable line: resume, retry, check the length, put into place at once."""

import errno
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from casnet_cli.errors import CasnetError

CHUNK = 1 << 16

Progress = Callable[[int, int | None], None]


class _Interrupted(Exception):
    """A fault of the line or the server that may pass; the text is the reason."""


def fetch(
    url: str,
    target: Path,
    on_progress: Progress | None = None,
    attempts: int = 4,
    backoff_seconds: float = 1.0,
    timeout_seconds: float = 20,
) -> None:
    """Download `url`, http or https, to `target`, replacing it only when complete.

    on_progress: called with the bytes there are so far and the bytes of the whole, None if the server does not tell.
    attempts: tries in all, >= 1, `backoff_seconds` before the second and twice as long before each further one.
    timeout_seconds: longest silence of the server.
    Bytes go to `target` + ".part", which stays on failure and is resumed by the next call.
    Raises CasnetError, one line, on an answer 4xx at once, on others after the last attempt.
    """
    if not _is_web_address(url):
        raise CasnetError(f"{url}: could not be downloaded: not a web address (expected http:// or https://)")
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(attempts):
            if attempt:
                time.sleep(backoff_seconds * 2 ** (attempt - 1))
            try:
                _attempt(url, part, on_progress or (lambda received, total: None), timeout_seconds)
                break
            except _Interrupted as interruption:
                reason = str(interruption)
        else:
            there = f"{_size(part)} bytes are kept in {part}, the next call resumes there"
            raise CasnetError(f"{url}: could not be downloaded: {reason} ({attempts} attempts; {there})")
        os.replace(part, target)
    except OSError as error:
        advice = "free some space and call again" if error.errno == errno.ENOSPC else f"expected to write {target}"
        raise CasnetError(f"{url}: could not be downloaded: {error.strerror or _line(error)} ({advice})") from error


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _attempt(url: str, part: Path, on_progress: Progress, timeout_seconds: float) -> None:
    """Bring `part` to its full length, or raise _Interrupted, CasnetError or, for the disk's part, OSError."""
    offset = _size(part)
    try:
        response = _answer(url, offset, timeout_seconds)
    except urllib.error.HTTPError as error:
        # Closed because an error is the open response at the same time.
        with error:
            total = _number(r"bytes \*/(\d+)$", error.headers.get("Content-Range"))
        if error.code == 416 and offset:
            if total == offset:
                on_progress(offset, offset)
            else:
                part.unlink()
                _attempt(url, part, on_progress, timeout_seconds)
            return
        if error.code < 500:
            advice = "check the address, or fetch the file by hand"
            raise CasnetError(
                f"{url}: could not be downloaded: HTTP {error.code} {_line(error.reason)} ({advice})"
            ) from error
        raise _Interrupted(f"HTTP {error.code} {_line(error.reason)}") from error
    with response:
        if response.status == 206 and _number(r"bytes (\d+)-", response.headers.get("Content-Range")) != offset:
            part.unlink(missing_ok=True)
            raise _Interrupted("the server sent another range than asked for")
        _receive(response, part, offset if response.status == 206 else 0, on_progress)


def _receive(response: http.client.HTTPResponse, part: Path, offset: int, on_progress: Progress) -> None:
    """Write the body behind the first `offset` bytes of `part`. Raises _Interrupted if it ends early."""
    received, total = offset, None if response.length is None else offset + response.length
    with part.open("ab" if offset else "wb") as stream:
        on_progress(received, total)
        for chunk in _chunks(response):
            stream.write(chunk)
            received += len(chunk)
            on_progress(received, total)
        # Without this a power cut after the renaming could leave an empty file under the final name.
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and received != total:
        raise _Interrupted(f"the connection ended after {received} of {total} bytes")


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body piece by piece. Faults of the line become _Interrupted here, so OSError outside means the disk."""
    try:
        while chunk := response.read1(CHUNK):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_line(error)) from error


def _answer(url: str, offset: int, timeout_seconds: float) -> Any:
    """The open response to a request for everything from byte `offset`. Raises HTTPError, _Interrupted, CasnetError."""
    headers = {"User-Agent": "casnet"} | ({"Range": f"bytes={offset}-"} if offset else {})
    opener = urllib.request.OpenerDirector()
    # The default opener would also follow a redirection to ftp.
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    try:
        return opener.open(urllib.request.Request(url, headers=headers), timeout=timeout_seconds)
    except urllib.error.HTTPError:
        raise
    except http.client.InvalidURL as error:
        raise CasnetError(f"{url}: could not be downloaded: {_line(error)} (expected a valid address)") from error
    except urllib.error.URLError as error:
        raise _Interrupted(_line(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_line(error)) from error


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _number(pattern: str, header: str | None) -> int | None:
    match = re.match(pattern, header or "")
    return int(match[1]) if match else None


def _line(reason: object) -> str:
    return " ".join(str(reason).split()) or type(reason).__name__
