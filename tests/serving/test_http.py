"""Who may ask, which form an answer has, and how faults look."""

import json
import socket

import pytest
from helpers.served import served
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from casnet_cli.serving import http

JSON, PNG = "application/json", "image/png"
NAMES = frozenset({"localhost", "127.0.0.1"})


@pytest.mark.parametrize(
    "accept, form",
    [
        ("", JSON),
        ("*/*", JSON),
        ("image/png", PNG),
        ("IMAGE/PNG", PNG),
        ("image/*", PNG),
        ("text/html, */*;q=0.1", JSON),
        ("application/json;q=0.5, image/png", PNG),
        ("application/json;q=0, */*", PNG),
        ("image/png;q=many, application/json;q=0.2", JSON),
        ("text/html", None),
        ("image/jpeg, text/*", None),
        ("*/*;q=0", None),
    ],
)
def test_the_header_accept_decides_the_form(accept: str, form: str | None) -> None:
    assert http.chosen_form(accept, [JSON, PNG]) == form


async def echo(request: Request) -> Response:
    return JSONResponse({"size": len(await http.content_of(request, 1000))})


async def fails(request: Request) -> Response:
    raise RuntimeError("of casnet itself\nwith a second line")


ROUTES = [Route("/echo", echo, methods=["POST"]), Route("/fails", fails)]


def test_a_page_of_another_site_cannot_ask() -> None:
    with served(http.make_app("<p>page", ROUTES, NAMES, print)) as ask:
        own = f"127.0.0.1:{ask.port}"
        assert ask("GET", "/")[2] == b"<p>page"
        assert ask("GET", "/", Host="LOCALHOST:8000")[0] == 200  # as a tunnel has it
        for host in ("evil.example", f"127.0.0.1.evil.example:{ask.port}", "[::1", ""):
            status, headers, content = ask("GET", "/", Host=host)
            assert status == 421 and "this server is not" in json.loads(content)["error"]
        assert ask("POST", "/echo", b"12", Origin=f"http://{own}", Host=own)[0] == 200
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
            assert ask("POST", "/echo", b"12", Origin=origin, Host=own)[0] == 403


def test_other_machines_may_ask_by_any_name_if_they_reach_it() -> None:
    with served(http.make_app("", ROUTES, None, print)) as ask:
        assert ask("GET", "/", Host="my-machine")[0] == 200
        assert ask("POST", "/echo", b"", Origin="http://evil.example", Host="my-machine")[0] == 403


def test_every_answer_forbids_what_comes_from_elsewhere() -> None:
    with served(http.make_app("", ROUTES, NAMES, print)) as ask:
        for method, path in (("GET", "/"), ("GET", "/nothing"), ("GET", "/echo"), ("HEAD", "/")):
            headers = ask(method, path)[1]
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


def test_faults_are_one_line_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    with served(http.make_app("", ROUTES, NAMES, lines.append)) as ask:
        assert ask("GET", "/nothing")[0] == 404
        status, headers, _ = ask("GET", "/echo")
        assert status == 405 and headers["allow"] == "POST"
        status, _, content = ask("GET", "/fails")
        assert status == 500 and json.loads(content) == {"error": "failed: of casnet itself"}
    assert lines == ["GET /fails: RuntimeError: of casnet itself"]
    assert capfd.readouterr() == ("", "")


def test_too_much_is_refused_and_the_answer_is_read() -> None:
    with served(http.make_app("", ROUTES, NAMES, print)) as ask:
        assert json.loads(ask("POST", "/echo", bytes(1000))[2]) == {"size": 1000}
        for size in (1001, 20_000_000):
            status, _, content = ask("POST", "/echo", bytes(size))
            assert status == 413 and json.loads(content) == {"error": "more than 0.00095 MiB"}


def test_content_that_does_not_arrive_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SECONDS", 0.1)
    whole = http.make_app("", ROUTES, NAMES, print)
    with served(whole) as ask, socket.create_connection(("127.0.0.1", ask.port)) as slow:
        slow.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
        assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_content_that_breaks_off_is_no_failure() -> None:
    lines: list[str] = []
    with served(http.make_app("", ROUTES, NAMES, lines.append)) as ask:
        with socket.create_connection(("127.0.0.1", ask.port)) as gone:
            gone.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
        assert json.loads(ask("POST", "/echo", b"12")[2]) == {"size": 2}
    assert lines == []
