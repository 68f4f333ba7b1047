"""Every answer of `--review`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.served import Served, served

from casnet_cli.labels import with_colors
from casnet_cli.reports.review import Choice, ReviewRow, page
from casnet_cli.serving.decisions import DecisionTable
from casnet_cli.serving.review_app import review_app

CHOICES = (Choice("yes", "y", "void it"), Choice("no", "n", "keep it"), Choice("unsure", "u", "<b>later</b>"))
NAMES = frozenset({"localhost", "127.0.0.1"})


def draw(place: int) -> list[tuple[str, str]]:
    return [[("data:,a", "image")], [("data:,b", "image"), ("data:,c", "label")]][place]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text("number,void,reviewed\n1,yes,\n2,no,yes\n")
    return path


@pytest.fixture
def ask(file: Path) -> Iterator[Served]:
    table = DecisionTable(file, "number", "void", ("yes", "no", "unsure"), "reviewed")
    with served(review_app(table, draw, "page", NAMES, print)) as found:
        yield found


def decide(ask: Served, **decision: object) -> tuple[int, dict[str, object]]:
    body = json.dumps(decision).encode()
    status, _, content = ask("POST", "/decisions", body, Content_Type="application/json")
    return status, json.loads(content)


def test_decisions_are_in_the_file_when_they_are_confirmed(ask: Served, file: Path) -> None:
    assert json.loads(ask("GET", "/decisions")[2]) == {"1": ["yes", False], "2": ["no", True]}
    assert decide(ask, row="1", value="unsure", decided=True) == (200, {"row": "1", "saved": True})
    assert file.read_text() == "number,void,reviewed\n1,unsure,yes\n2,no,yes\n"
    assert json.loads(ask("GET", "/decisions")[2]) == {"1": ["unsure", True], "2": ["no", True]}
    assert decide(ask, row="1", value="yes", decided=False)[0] == 200
    assert file.read_text() == "number,void,reviewed\n1,yes,\n2,no,yes\n"


def test_pictures_come_by_place(ask: Served) -> None:
    assert json.loads(ask("GET", "/pictures/1")[2]) == [
        {"source": "data:,b", "caption": "image"},
        {"source": "data:,c", "caption": "label"},
    ]
    for path in ("/pictures/2", "/pictures/-1", "/pictures/x", "/pictures/"):
        assert ask("GET", path)[0] == 404


@pytest.mark.parametrize(
    "decision",
    [
        {"row": "1", "value": "maybe", "decided": True},
        {"row": "1", "value": "", "decided": True},
        {"row": 1, "value": "yes", "decided": True},
        {"row": "1", "value": "yes", "decided": 1},
        {"row": "1", "value": ["yes"], "decided": True},
        {"row": "1", "value": "yes"},
    ],
)
def test_what_is_no_decision_is_refused(ask: Served, file: Path, decision: dict[str, object]) -> None:
    before = file.read_text()
    assert decide(ask, **decision)[0] == 400 and file.read_text() == before


def test_faults(ask: Served, file: Path) -> None:
    assert ask("POST", "/decisions", b"{", Content_Type="application/json")[0] == 400
    assert ask("POST", "/decisions", b"[1]", Content_Type="application/json")[0] == 400
    form = ask("POST", "/decisions", b'{"row": "1", "value": "no", "decided": true}', Content_Type="text/plain")
    assert form[0] == 415, "what another site's page could send"
    assert ask("POST", "/decisions", bytes(100_000), Content_Type="application/json")[0] == 413
    assert ask("PUT", "/decisions")[0] == 405
    status, fault = decide(ask, row="3", value="no", decided=True)
    assert status == 410 and "has no row 3 any more" in str(fault["error"])
    file.write_text("damaged")
    status, fault = decide(ask, row="1", value="no", decided=True)
    assert status == 409 and "has no column number" in str(fault["error"])
    assert ask("GET", "/decisions")[0] == 409


def test_the_page_shows_names_as_text() -> None:
    rows = [ReviewRow("</script><i>", "<i>title", "<i>facts")]
    text = page("<i>x", rows, CHOICES, "<i>.csv", with_colors(("<i>class",)))
    assert "<i>" not in text and "http:" not in text and "https:" not in text and "<b>later" not in text
    assert "no rows" in page("x", [], CHOICES, "list.csv")
