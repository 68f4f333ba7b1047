"""`--review` of audit and rank: the list that is there, or a new one, on a page whose decisions go into it."""

import csv
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.browsers import Watched, browser
from helpers.cli import at_home, casnet, start
from helpers.served import HOST, Served
from starlette.types import ASGIApp

from casnet_cli.auditing import review_list
from casnet_cli.auditing.label_errors import BOUNDARY, OBJECT, Suspect
from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.data.store import Store
from casnet_cli.serving import server

Visit = Callable[[Served], None]


@pytest.fixture
def home(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from at_home(trained, monkeypatch)


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> list[Visit]:
    """What is done with each server, in turn, before it is stopped."""
    waiting: list[Visit] = []

    def run(app: ASGIApp, listener: socket.socket) -> None:
        running = server.make_server(app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            waiting.pop(0)(Served(listener.getsockname()[1]))
        finally:
            running.should_exit = True
            thread.join()

    monkeypatch.setattr(server, "run", run)
    return waiting


def decide(ask: Served, row: str, value: str) -> None:
    body = json.dumps({"row": row, "value": value, "decided": True}).encode()
    assert ask("POST", "/decisions", body, Content_Type="application/json")[0] == 200


def listed(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def suspects(home: Path, folder: Path) -> Store:
    store = Store(home / "data" / "blocks.h5")
    (name,) = store.names["test"]
    found = [
        Suspect(kind, 0, 1, 3, 5, 24, 0.99, 0.1, 1.0, np.ones((4, 6), bool)) for kind in (OBJECT, BOUNDARY, OBJECT)
    ]
    folder.mkdir()
    located = [LocatedSuspect("test", name, one) for one in found]
    review_list.write(folder, located, store.labels, store.content_sha256)
    return store


def test_suspects_are_decided_on_and_voided(home: Path, tmp_path: Path, visits: list[Visit]) -> None:
    folder = tmp_path / "audit"
    store = suspects(home, folder)

    def visit(ask: Served) -> None:
        text = ask("GET", "/")[2].decode()
        assert "look wrong" in text and str(folder) in text
        drawn = json.loads(ask("GET", "/pictures/2")[2])
        assert [each["caption"] for each in drawn] == ["image", "label", "proposal"]
        decide(ask, "1", "no")
        decide(ask, "3", "unsure")

    visits.append(visit)
    said = casnet("audit", "--review", "--port", 0, "--out", folder)
    assert said.splitlines()[0].startswith(f"http://{HOST}:") and "2 of 3 rows decided" in said
    assert [(row["void"], row["reviewed"]) for row in listed(folder / review_list.TABLE)] == [
        ("no", "yes"),
        ("no", ""),
        ("unsure", "yes"),
    ]
    both = casnet("audit", "--review", "--apply-void", tmp_path / "new.h5", "--out", folder, code=2)
    assert "--review: not with --apply-void" in both
    assert "was edited" in casnet("audit", "--out", folder, code=2)
    assert "no row says yes" in casnet("audit", "--apply-void", tmp_path / "new.h5", "--out", folder, code=2)
    visits.append(lambda ask: decide(ask, "1", "yes"))
    assert "2 of 3 rows decided" in casnet("audit", "--review", "--port", 0, "--out", folder)
    assert "1 region, 24 pixels" in casnet("audit", "--apply-void", tmp_path / "new.h5", "--out", folder)
    store.file.close()


def test_images_are_decided_on(home: Path, tmp_path: Path, visits: list[Visit]) -> None:
    file = tmp_path / "rank.csv"
    command = ("rank", "photos", "--out", file, "--top", 4)

    def visit(ask: Served) -> None:
        rows = listed(file)
        assert [row["decision"] for row in rows] == [""] * 4
        assert rows[0]["file"] in ask("GET", "/")[2].decode()
        (picture,) = json.loads(ask("GET", "/pictures/0")[2])
        assert picture["source"].startswith("data:image/jpeg") and rows[0]["file"] in picture["caption"]
        decide(ask, rows[2]["file"], "skip")

    visits.append(visit)
    said = casnet(*command, "--review", "--port", 0)
    assert "to label first" in said and "1 of 4 rows decided" in said
    decided = [row["decision"] for row in listed(file)]
    assert decided == ["", "", "skip", ""]
    assert "holds 1 decision, and would be written over" in casnet(*command, code=2)
    visits.append(lambda ask: decide(ask, listed(file)[0]["file"], "label"))
    said = casnet(*command, "--review", "--port", 0)  # the list that is there
    assert "to label first" not in said and "2 of 4 rows decided" in said
    assert [row["decision"] for row in listed(file)] == ["label", "", "skip", ""]


def test_lists_without_decisions_are_written_over_and_damaged_regions_named(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "rank.csv"
    casnet("rank", "photos", "--out", file, "--top", 2)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n")  # of an earlier version
    casnet("rank", "photos", "--out", file, "--top", 3)
    assert len(listed(file)) == 3
    regions = tmp_path / "rank/regions.csv"
    for damaged in ("file;x\na.png;1\n", "file,x\na.png,one\n", "file,x\na.png\n"):
        regions.write_text(damaged)
        assert "regions.csv: no table of regions" in casnet("rank", "photos", "--out", file, "--review", code=2)


def test_a_port_in_use_is_found_before_the_work(home: Path, tmp_path: Path) -> None:
    with server.listen(HOST, 0) as listener:
        port = listener.getsockname()[1]
        for command in (("audit", "--out", tmp_path / "audit"), ("rank", "photos", "--out", tmp_path / "rank.csv")):
            assert f"{port}: cannot listen there" in casnet(*command, "--review", "--port", port, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_list_is_named(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "rank.csv"
    file.write_text("rank,file\n1,a.png\n")
    assert "rank.csv: a.png: 'width'" in casnet("rank", "photos", "--out", file, "--review", code=2)
    file.write_text("name\na.png\n")
    assert "has no column file" in casnet("rank", "photos", "--out", file, "--review", code=2)


@pytest.mark.slow
def test_what_was_decided_outlives_a_server_that_is_killed(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    suspects(home, folder).file.close()
    with server.listen(HOST, 0) as listener:
        port = listener.getsockname()[1]
    command = ("audit", "--review", "--port", port, "--out", folder)

    def void() -> list[str]:
        return [row["void"] if row["reviewed"] else "" for row in listed(folder / review_list.TABLE)]

    with browser() as chromium:
        with start(*command, tiny=True) as process:
            wait_for_server(port, process)
            watched = Watched(chromium, f"http://{HOST}:{port}/")
            watched.wait("document.querySelector('#pictures img')")
            watched.press("n")
            while void() != ["no", "", ""]:
                time.sleep(0.02)
            process.kill()
        watched.press("u")
        watched.wait("document.getElementById('unsaved').textContent.startsWith('1 not saved')")
        with start(*command, tiny=True) as process:
            while void() != ["no", "unsure", ""]:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert process.returncode == 0


def wait_for_server(port: int, process: "subprocess.Popen[str]") -> None:
    while True:
        assert process.poll() is None
        try:
            Served(port)("GET", "/")
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
