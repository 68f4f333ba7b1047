"""The application of `--review`: a page with the rows of a list, their pictures and the decisions on them."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from casnet_cli.errors import InputError
from casnet_cli.serving.decisions import Decision, DecisionTable, RowGone
from casnet_cli.serving.http import Report, content_of, make_app
from casnet_cli.util.parsing import json_of

MAX_BYTES = 1 << 16
"""Of a decision as it is sent."""

DrawnPictures = Sequence[tuple[str, str]]
"""Pictures of a row: the `data:` address and the caption of each."""


def review_app(
    table: DecisionTable, draw: Callable[[int], DrawnPictures], page: str, names: frozenset[str] | None, report: Report
) -> ASGIApp:
    """The application. draw: gives the pictures of a row of the page, by its place from 0; IndexError: there is no such
    row. names, report: see `http.make_app`."""
    desk = Desk(table, draw)
    routes = [
        Route("/decisions", desk.decisions),
        Route("/decisions", desk.decide, methods=["POST"]),
        Route("/pictures/{place:int}", desk.pictures),
    ]
    return make_app(page, routes, names, report)


class Desk:
    """Gives rows and pictures, and takes decisions."""

    def __init__(self, table: DecisionTable, draw: Callable[[int], DrawnPictures]):
        self._table, self._draw = table, draw
        self._drawing, self._writing = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    async def decisions(self, request: Request) -> Response:
        """Of each row by its key: what it says, and whether somebody has looked at it. Raises HTTPException."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._current)

    async def decide(self, request: Request) -> Response:
        """Write a decision into the file, and confirm it when it is there. Raises HTTPException."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise HTTPException(415, "Content-Type: application/json")
        content = await content_of(request, MAX_BYTES)
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._decide, content)

    async def pictures(self, request: Request) -> Response:
        """The pictures of a row. Raises HTTPException."""
        place: int = request.path_params["place"]
        return await asyncio.get_running_loop().run_in_executor(self._drawing, self._pictures, place)

    def _current(self) -> Response:
        try:
            found = self._table.decisions()
        except InputError as error:
            raise HTTPException(409, str(error)) from None
        return JSONResponse({key: [decision.value, decision.decided] for key, decision in found.items()})

    def _decide(self, content: bytes) -> Response:
        key, decision = self._parsed(content)
        try:
            self._table.decide(key, decision)
        except InputError as error:
            raise HTTPException(410 if isinstance(error, RowGone) else 409, str(error)) from None
        return JSONResponse({"row": key, "saved": True})

    def _parsed(self, content: bytes) -> tuple[str, Decision]:
        try:
            given = json_of(content)
            key, value, decided = given["row"], given["value"], given["decided"]
        except (ValueError, TypeError, KeyError):
            raise HTTPException(400, 'not {"row": …, "value": …, "decided": true}') from None
        allowed = self._table.values if decided is True else (*self._table.values, "")
        if not isinstance(key, str) or not isinstance(decided, bool) or value not in allowed:
            raise HTTPException(400, f"{value!r}: no decision ({', '.join(self._table.values)})")
        return key, Decision(value, decided)

    def _pictures(self, place: int) -> Response:
        try:
            return JSONResponse([{"source": source, "caption": caption} for source, caption in self._draw(place)])
        except IndexError:
            raise HTTPException(404, f"no row {place}") from None
