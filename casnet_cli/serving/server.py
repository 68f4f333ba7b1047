"""A socket, and a server on it until it is interrupted."""

import ipaddress
import socket

import uvicorn
from starlette.types import ASGIApp

from casnet_cli.errors import InputError, reason

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
"""What a browser may call this machine when it asks a server that only this machine reaches."""

GRACE = 3
"""Seconds that answers in progress have to finish when the server is stopped."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server at that address or name."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_of(host: str) -> frozenset[str] | None:
    """Names that requests may call a server by which listens there; None: any, as other machines reach it."""
    return frozenset((*LOOPBACK_NAMES, host.lower())) if is_loopback(host) else None


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address or name and a port; 0: any free one. Raises InputError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InputError(f"--host {host}: no address of this machine ({error.strerror})") from None
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(f"{host}:{port}: cannot listen there: {reason(error)} (--port NUMBER for another)") from None
    return listener


def address_of(host: str, listener: socket.socket) -> str:
    """What to type into a browser: `http://127.0.0.1:8000/`."""
    everywhere = host in ("0.0.0.0", "::", "")
    name = socket.gethostname() if everywhere else f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}/"


def make_server(app: ASGIApp) -> uvicorn.Server:
    """A server that says nothing itself."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Answer requests until SIGINT or SIGTERM comes."""
    try:
        make_server(app).run(sockets=[listener])
    except KeyboardInterrupt:  # passed on after the last answer
        pass
    finally:
        listener.close()
