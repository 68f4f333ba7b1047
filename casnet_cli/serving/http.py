"""What all answers have in common: who may ask, how much may be sent, what form is wanted, how a fault looks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casnet_cli.errors import reason

Endpoint = Callable[[Request], Awaitable[Response]]
"""Answers a request. May raise HTTPException."""

Report = Callable[[str], None]
"""Shows a line to whoever started the server."""

SECONDS = 120
"""In which the content of a request has to arrive."""

HEADERS = {
    "content-security-policy": "default-src 'none'; img-src 'self' data: blob:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
"""Of every answer: a page loads nothing from elsewhere, and is no part of another one."""


def make_app(page: str, routes: Sequence[Route], names: frozenset[str] | None, report: Report) -> ASGIApp:
    """An application with a page at `/` and these routes. names: by which it may be called, see `Guard`. report: shows
    faults of casnet itself."""

    async def show_page(request: Request) -> Response:
        return HTMLResponse(page)

    async def show_fault(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)

    async def show_failure(request: Request, error: Exception) -> Response:
        report(f"{request.method} {request.url.path}: {type(error).__name__}: {reason(error)}")
        return JSONResponse({"error": f"failed: {reason(error)}"}, 500)

    app = Starlette(
        routes=[Route("/", show_page), *routes],
        exception_handlers={HTTPException: show_fault, Exception: show_failure},
    )
    return Guard(app, names)


class Guard:
    """Refuses requests that another site makes in a user's browser, and puts `HEADERS` on every answer.

    names: what the header Host may name; None: anything. Else a site whose name leads to this machine could ask.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str] | None):
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        fault = self._fault(Headers(scope=scope))
        app = JSONResponse({"error": fault[1]}, fault[0]) if fault else self._app
        await app(scope, receive, send_with_headers)

    def _fault(self, headers: Headers) -> tuple[int, str] | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._names is not None and _name(f"//{host}") not in self._names:
            return 421, f"this server is not {host!r} (ask it by {' or '.join(sorted(self._names))})"
        if origin is not None and origin.partition("://")[2] != host:
            return 403, f"a page of {origin} may not ask this server"
        return None


def _name(address: str) -> str | None:
    """Host of an address without its port."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def content_of(request: Request, most: int) -> bytes:
    """What was sent, up to `most` bytes. Raises HTTPException for more, and for what does not arrive."""
    found = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                found += part
                if len(found) > most:
                    raise HTTPException(413, f"more than {in_mebibytes(most)}")
    except TimeoutError:
        raise HTTPException(408, f"the content did not arrive within {SECONDS} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the content broke off") from None
    return bytes(found)


def in_mebibytes(size: int) -> str:
    """64 MiB, 0.1 MiB."""
    return f"{size / 2**20:.2g} MiB"


def chosen_form(accept: str, offered: Sequence[str]) -> str | None:
    """The media type of an answer by the header Accept: the one of the highest q, the first offered of equal ones.

    None: none of them is acceptable.
    """
    ranges = []
    for part in accept.split(",") if accept.strip() else ["*/*"]:
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            ranges.append((media, float(weight)))
        except ValueError:
            continue

    def weight_of(form: str) -> float:
        for pattern in (form, f"{form.partition('/')[0]}/*", "*/*"):
            if found := [weight for media, weight in ranges if media == pattern]:
                return found[0]
        return 0.0

    best = max(offered, key=weight_of)
    return best if weight_of(best) > 0 else None
