"""What `casnet serve` does: a page on this machine that labels the pictures dropped on it."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.errors import BackendError
from casnet_cli.util.extras import install

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

PACKAGES = ("starlette", "uvicorn")
"""What serving needs beside casnet's own needs."""

MANY = 1 << 30
"""As the number of pictures to come: the network is compiled."""


def serve(run: Path | None, host: str, port: int) -> None:
    """Answer until it is interrupted. Raises CasnetError."""
    from casnet_cli.workflows.predict import engines
    from casnet_cli.workflows.predict.options import PredictOptions

    file = engines.model_file(run, None)  # a mistake here shows before the slower imports
    check_page(host, port)
    from casnet_cli.reports.serve import page
    from casnet_cli.serving import server
    from casnet_cli.serving.pictures import Network
    from casnet_cli.serving.predict_app import predict_app

    with server.listen(host, port) as listener:
        model = engines.open_any(file, PredictOptions())
        console.message(f"opening {model.run.title}")
        meta = model.run.meta
        network = Network(model.engine(MANY).predictor(frozenset()), meta.labels, meta.intensities, model.run.title)
        app = predict_app(network, page(network.title, meta.labels), server.names_of(host), console.message)
        answer(app, host, listener)


def check_page(host: str, port: int) -> None:
    """Before any work: raises BackendError where a package is missing, InputError where nothing can listen."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise BackendError(f"{', '.join(missing)}: not installed, and pages need it ({install('web')})")
    from casnet_cli.serving import server

    server.listen(host, port).close()


def answer(app: "ASGIApp", host: str, listener: "socket.socket") -> None:
    """Show the address and answer requests until SIGINT or SIGTERM, which is no failure."""
    from casnet_cli.serving import server

    console.result(f"{server.address_of(host, listener)} (Ctrl-C stops it)")
    if server.names_of(host) is None:
        console.message(f"note: --host {host}: everybody who reaches this machine may use it")
    server.run(app, listener)
    console.message("stopped")
