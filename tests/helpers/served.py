"""An application on a port of this machine, asked as any program would."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from casnet_cli.serving import server

HOST = "127.0.0.1"


class Served:
    """A running server."""

    def __init__(self, port: int):
        self.port = port

    def __call__(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and content of an answer. headers: with `_` for `-`."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/"


@contextmanager
def served(app: ASGIApp, port: int = 0) -> Iterator[Served]:
    listener = server.listen(HOST, port)
    running = server.make_server(app)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    while not running.started:
        time.sleep(0.002)
    try:
        yield Served(listener.getsockname()[1])
    finally:
        running.should_exit = True
        thread.join()
        listener.close()
