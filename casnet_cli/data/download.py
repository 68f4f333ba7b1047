"""Download one file over an unreliable line: resume, retry, check the length, put into place at once."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from casnet_cli.errors import CasnetError

if TYPE_CHECKING:
    import requests
    from urllib3 import HTTPResponse, Retry

DOWNLOAD_CHUNK = 1 << 16
"""Bytes of the body that are read at a time, at most."""

DownloadProgress = Callable[[int, int | None], None]
"""Called with the bytes there are, and the bytes of the whole (None: unknown)."""


class _Interrupted(Exception):
    """A fault of the line or the server that may pass; the text is the reason."""


def fetch(
    url: str,
    target: Path,
    on_progress: DownloadProgress | None = None,
    attempts: int = 4,
    backoff_seconds: float = 1.0,
    timeout_seconds: float = 20,
) -> None:
    """Download `url`, http or https, to `target`, replacing it only when complete.

    on_progress: called with the bytes there are so far and the bytes of the whole, None if the server names no length.
    attempts: tries in all, >= 1, `backoff_seconds` before the second and twice as long before each further one.
    timeout_seconds: longest silence of the server.
    Bytes go to `target` + ".part", which stays on failure and is resumed by the next call.
    Raises CasnetError, one line: for a status of 4xx at once, for other faults after the last attempt.
    """
    from urllib3.exceptions import MaxRetryError

    if not _is_web_address(url):
        raise CasnetError(f"{url}: could not be downloaded: not a web address (expected http:// or https://)")
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        retries = _retries(attempts, backoff_seconds)
        while True:
            try:
                _attempt(url, part, on_progress or (lambda received, total: None), timeout_seconds)
                break
            except _Interrupted as interruption:
                reason = str(interruption)
            retries = retries.increment()
            retries.sleep()
        os.replace(part, target)
    except MaxRetryError:
        there = f"{_size(part)} bytes are kept in {part}, the next call resumes there"
        raise CasnetError(f"{url}: could not be downloaded: {reason} ({attempts} attempts; {there})") from None
    except OSError as error:
        advice = "free some space and call again" if error.errno == errno.ENOSPC else f"expected to write {target}"
        raise CasnetError(f"{url}: could not be downloaded: {error.strerror or _line(error)} ({advice})") from error


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\x00-\x20\x7f]", url)
    except ValueError:
        return False


def _retries(attempts: int, backoff_seconds: float) -> "Retry":
    """How many tries are left, and the pause before each. The first `increment` is for the first try itself."""
    from urllib3 import Retry

    # urllib3 pauses from the third try on, 2, 4, … times the factor: counted as one fault more, from the second on.
    return Retry(total=attempts, backoff_factor=backoff_seconds / 2).increment()


def _attempt(url: str, part: Path, on_progress: DownloadProgress, timeout_seconds: float) -> None:
    """Bring `part` to its full length, or raise _Interrupted, CasnetError or, for the disk's part, OSError."""
    offset = _size(part)
    with _response(url, offset, timeout_seconds) as response:
        status, content_range = response.status_code, response.headers.get("Content-Range")
        if status == 416 and offset:
            if _number(r"bytes \*/(\d+)$", content_range) == offset:
                on_progress(offset, offset)
                return
            part.unlink()  # part of another file
            _attempt(url, part, on_progress, timeout_seconds)
        elif status >= 300:
            fault = f"HTTP {status} {_line(response.reason)}"
            if status >= 500:
                raise _Interrupted(fault)
            advice = "check the address, or fetch the file by hand"
            raise CasnetError(f"{url}: could not be downloaded: {fault} ({advice})")
        elif status == 206 and _number(r"bytes (\d+)-", content_range) != offset:
            part.unlink(missing_ok=True)
            raise _Interrupted("the server sent another range than requested")
        else:
            _receive(response.raw, part, offset if status == 206 else 0, on_progress)


@contextmanager
def _response(url: str, offset: int, timeout_seconds: float) -> "Iterator[requests.Response]":
    """The open response to a GET of everything from byte `offset` on. Raises _Interrupted, CasnetError."""
    import requests

    # Not to be compressed on the way: offsets count the bytes of the file.
    headers = {"User-Agent": "casnet", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    with requests.Session() as session:
        try:
            response = session.get(url, headers=headers, stream=True, timeout=timeout_seconds)
        except (requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL) as error:  # of a redirection
            fault = f"{_line(error)} (expected http:// or https://)"
            raise CasnetError(f"{url}: could not be downloaded: {fault}") from error
        except requests.RequestException as error:
            raise _Interrupted(_cause(error)) from error
        with response:
            yield response


def _receive(body: "HTTPResponse", part: Path, offset: int, on_progress: DownloadProgress) -> None:
    """Write the body behind the first `offset` bytes of `part`. Raises _Interrupted if it ends early."""
    received, total = offset, None if body.length_remaining is None else offset + body.length_remaining
    with part.open("ab" if offset else "wb") as stream:
        on_progress(received, total)
        for chunk in _chunks(body):
            stream.write(chunk)
            received += len(chunk)
            on_progress(received, total)
        # Without this a power cut after the renaming could leave an empty file under the final name.
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and received != total:
        raise _Interrupted(f"the connection ended after {received} of {total} bytes")


def _chunks(body: "HTTPResponse") -> Iterator[bytes]:
    """The body piece by piece. Faults of the line become _Interrupted here, so OSError outside means the disk."""
    from urllib3.exceptions import HTTPError

    body.enforce_content_length = False  # `_receive` compares the length, after all that came is written
    try:
        while chunk := body.read1(DOWNLOAD_CHUNK, decode_content=False):
            yield chunk
    except (OSError, HTTPError) as error:
        raise _Interrupted(_cause(error)) from error


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _number(pattern: str, header: str | None) -> int | None:
    match = re.match(pattern, header or "")
    return int(match[1]) if match else None


def _cause(error: BaseException) -> str:
    """The fault behind those that the libraries wrap around it."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return _line(error)


def _line(reason: object) -> str:
    return " ".join(str(reason).split()) or type(reason).__name__
