"""The application of `casnet serve`: a page at `/`, `POST /predict` and `GET /health`."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from casnet_cli.data.limits import SERVED_BYTES, SERVED_PIXELS
from casnet_cli.serving.http import Report, chosen_form, content_of, make_app
from casnet_cli.serving.pictures import FORMS, Network, Wish, predicted

WAITING = 16
"""Pictures that are predicted or wait for it, at most; further ones are refused."""

GONE = 499
"""Status of an answer that nobody waits for any more."""


def predict_app(network: Network, page: str, names: frozenset[str] | None, report: Report) -> ASGIApp:
    """The application. names, report: see `http.make_app`."""
    desk = Desk(network)
    routes = [Route("/predict", desk.predict, methods=["POST"]), Route("/health", desk.health)]
    return make_app(page, routes, names, report)


class Desk:
    """Takes pictures and predicts them one after another, in a thread of its own."""

    def __init__(self, network: Network):
        self._network, self._turn = network, asyncio.Lock()
        self._thread = ThreadPoolExecutor(1)
        self._waiting, self._seconds = 0, 1.0

    async def health(self, request: Request) -> Response:
        """Whether it works, and for what."""
        network = self._network
        limits = {"bytes": SERVED_BYTES, "pixels": SERVED_PIXELS, "waiting": WAITING}
        facts = {"run": network.title, "classes": network.labels.names, "waiting": self._waiting, "limits": limits}
        return JSONResponse({"status": "ok"} | facts)

    async def predict(self, request: Request) -> Response:
        """The prediction for the picture that is sent. Raises HTTPException."""
        form, wish = _wishes(request)
        self._check_room()
        self._waiting += 1
        try:
            content = await content_of(request, SERVED_BYTES)
            async with self._turn:
                if await request.is_disconnected():
                    return Response(status_code=GONE)
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, content, form, wish)
        finally:
            self._waiting -= 1

    def _check_room(self) -> None:
        if self._waiting >= WAITING:
            seconds = max(1, math.ceil(self._waiting * self._seconds))
            raise HTTPException(503, f"{WAITING} pictures wait already", {"Retry-After": str(seconds)})

    def _answer(self, content: bytes, form: str, wish: Wish) -> Response:
        picture = predicted(content, self._network)
        self._seconds = picture.seconds
        return Response(FORMS[form](picture, wish), media_type=form)


def _wishes(request: Request) -> tuple[str, Wish]:
    """Media type and content of the answer. Raises HTTPException."""
    form = chosen_form(request.headers.get("accept", ""), list(FORMS))
    if form is None:
        raise HTTPException(406, f"Accept: one of {', '.join(FORMS)}")
    given = request.query_params
    if unknown := given.keys() - {"reject_below", "picture"}:
        raise HTTPException(400, f"{', '.join(sorted(unknown))}: unknown (reject_below, picture)")
    try:
        below = float(given.get("reject_below", "0"))
    except ValueError:
        below = math.nan
    if not 0 <= below <= 1:
        raise HTTPException(400, f"reject_below: {given['reject_below']!r} (a number from 0 to 1)")
    if given.get("picture", "no") not in ("yes", "no"):
        raise HTTPException(400, f"picture: {given['picture']!r} (yes or no)")
    return form, Wish(below, given.get("picture") == "yes")
