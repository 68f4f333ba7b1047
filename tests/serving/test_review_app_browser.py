"""The page of `--review` in a real browser: keys, undo, two tabs, what is saved when."""

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.browsers import DESK, PHONE, Watched, browser
from helpers.served import Served, served

from casnet_cli.labels import with_colors
from casnet_cli.reports.html import picture
from casnet_cli.reports.review import Choice, ReviewRow, page
from casnet_cli.serving.decisions import Decision, DecisionTable
from casnet_cli.serving.review_app import review_app

CHOICES = (
    Choice("yes", "y", "the region becomes void"),
    Choice("no", "n", "the label stays"),
    Choice("unsure", "u", "later"),
)
ROWS = 30
pytestmark = pytest.mark.slow

EMPTY = "document.getElementById('unsaved').textContent === ''"
SAVED = "JSON.parse(sessionStorage.getItem(STORE) || '{\"unsaved\": []}').unsaved.length === 0"
NO_PICTURE = "!document.querySelector('#pictures img')"


def draw(place: int) -> list[tuple[str, str]]:
    """Of a size as photographs have it, each of a grey of its own, and as slowly as large ones are drawn."""
    if not 0 <= place < ROWS:
        raise IndexError
    time.sleep(0.1)
    noise = np.random.default_rng(place).integers(0, 9, (600, 800, 3), np.uint8)
    drawn = [picture(noise + np.uint8(place * 8), f"{name} {place}", 800) for name in ("image", "label", "proposal")]
    return [(each.source, each.caption) for each in drawn]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "suspects.csv"
    rows = "".join(f"{number},{'yes' if number % 3 else 'no'},,{number}\n" for number in range(1, ROWS + 1))
    path.write_text(f"number,void,reviewed,mine\n{rows}")
    return path


def app(file: Path):  # type: ignore[no-untyped-def]
    table = DecisionTable(file, "number", "void", ("yes", "no", "unsure"), "reviewed")
    rows = [ReviewRow(str(number), f"<b>row {number}", "facts") for number in range(1, ROWS + 1)]
    text = page("Labels that look wrong", rows, CHOICES, str(file), with_colors(("a", "b")))
    return review_app(table, draw, text, frozenset({"localhost", "127.0.0.1"}), print)


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def ask(file: Path) -> Iterator[Served]:
    with served(app(file)) as found:
        yield found


def opened(started: Any, address: str, *size: Any) -> Watched:
    watched = Watched(started, address, *size)
    watched.wait(f"!({NO_PICTURE})")
    return watched


def decided(file: Path) -> dict[str, str]:
    rows = csv.DictReader(file.read_text().splitlines())
    return {row["number"]: row["void"] for row in rows if row["reviewed"] == "yes"}


def test_a_key_decides_and_the_next_row_comes(started: Any, ask: Served, file: Path) -> None:
    watched = opened(started, ask.address)
    assert watched.text("#what") == "1. <b>row 1" and watched.text("#facts") == "facts; at first: yes"
    watched.press("y", "n", "u")
    assert watched.text("#what") == "4. <b>row 4"
    assert watched.text("#done") == f"3 of {ROWS} decided · yes 1 · no 1 · unsure 1"
    watched.wait(SAVED)
    assert decided(file) == {"1": "yes", "2": "no", "3": "unsure"}
    assert [row["mine"] for row in csv.DictReader(file.read_text().splitlines())] == [str(n + 1) for n in range(ROWS)]
    assert watched.faults == [] and watched.text("#unsaved") == ""


def test_the_next_picture_is_there_within_a_tenth_of_a_second(started: Any, ask: Served) -> None:
    watched = opened(started, ask.address)
    time.sleep(1)  # as long as anybody looks at the first
    took = []
    for row in range(1, 16):
        took.append(
            watched.page.evaluate(
                """async next => {
                  const began = performance.now();
                  dispatchEvent(new KeyboardEvent("keydown", {key: "n"}));
                  const seen = () => document.querySelector("#pictures img")?.alt;
                  while (seen() !== next) await new Promise(requestAnimationFrame);
                  return performance.now() - began;
                }""",
                f"image {row}",
            )
        )
        time.sleep(0.3)
    assert max(took) < 100, took


def test_decisions_are_undone_also_when_the_page_was_loaded_again(started: Any, ask: Served, file: Path) -> None:
    watched = opened(started, ask.address)
    watched.press("n", "n", "u")
    watched.press("z")
    assert watched.text("#what") == "3. <b>row 3" and watched.text("#facts") == "facts; at first: no"
    watched.wait(SAVED)
    assert decided(file) == {"1": "no", "2": "no"} and "3,no,," in file.read_text()
    watched.open(ask.address)
    watched.wait(f"!({NO_PICTURE})")
    assert watched.text("#what") == "3. <b>row 3" and watched.text("#done").startswith("2 of")
    watched.press("z", "z")
    assert watched.text("#what") == "1. <b>row 1" and watched.page.is_disabled("#undo")
    watched.wait(SAVED)
    assert decided(file) == {} and "\n1,yes,,1\n" in file.read_text()


def test_a_decision_is_changed_and_open_rows_are_found(started: Any, ask: Served, file: Path) -> None:
    watched = opened(started, ask.address)
    watched.press("y", "y", "ArrowLeft", "ArrowLeft")
    assert watched.page.get_attribute("[data-value=yes]", "aria-pressed") == "true"
    watched.press("n")
    assert watched.text("#what") == "3. <b>row 3"
    watched.press("ArrowRight", "ArrowRight", "y", "o")
    assert watched.text("#what") == "7. <b>row 7"
    watched.wait(SAVED)
    assert decided(file) == {"1": "no", "2": "yes", "5": "yes"}
    for _ in range(ROWS - 3):
        watched.press("u")
    assert watched.text("#done").startswith(f"{ROWS} of {ROWS} decided")
    watched.wait(SAVED)
    assert len(decided(file)) == ROWS


def test_of_two_tabs_the_later_decision_counts_and_none_is_lost(started: Any, ask: Served, file: Path) -> None:
    first = opened(started, ask.address)
    second = first.context.new_page()
    second.goto(ask.address)
    second.wait_for_selector("#pictures img")
    second.keyboard.press("n")
    second.keyboard.press("n")
    first.press("u")
    first.wait(SAVED)
    deadline = time.monotonic() + 5
    while len(decided(file)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert decided(file) == {"1": "unsure", "2": "no"}
    first.page.bring_to_front()
    first.page.evaluate("dispatchEvent(new Event('focus'))")
    first.wait("document.getElementById('done').textContent.startsWith('2 of')")
    first.press("o")
    assert first.text("#what") == "3. <b>row 3"


def test_nothing_is_lost_while_the_server_is_gone(started: Any, file: Path) -> None:
    with served(app(file)) as ask:
        watched, port = opened(started, ask.address), ask.port
        watched.press("n")
        watched.wait(SAVED)
    watched.press("u", "u")
    watched.wait("document.getElementById('unsaved').textContent.startsWith('2 not saved')")
    assert decided(file) == {"1": "no"}
    DecisionTable(file, "number", "void", ()).decide("9", Decision("yes", True))  # somebody else, meanwhile
    with served(app(file), port):
        watched.wait(SAVED)
        watched.wait(EMPTY)
        assert decided(file) == {"1": "no", "2": "unsure", "3": "unsure"} and "9,yes" in file.read_text()
        watched.open(f"http://127.0.0.1:{port}/")
        watched.wait(f"!({NO_PICTURE})")
        assert watched.text("#what") == "4. <b>row 4"


def test_rows_that_others_removed_are_named(started: Any, ask: Served, file: Path) -> None:
    watched = opened(started, ask.address)
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:1] + ["2,no,,2\n"]))
    watched.press("n")
    watched.wait("document.getElementById('unsaved').textContent.includes('has no row 1 any more')")
    watched.press("n")
    watched.wait(SAVED)
    assert decided(file) == {"2": "no"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_it_fits_and_can_be_read(started: Any, ask: Served, size: tuple[int, int], scheme: str, file: Path) -> None:
    watched = opened(started, ask.address, size, scheme)
    assert watched.overflow() == 0 and watched.small_buttons() == []
    ground, ink = watched.lightness()
    assert (ground > 0.9 and ink < 0.2) if scheme == "light" else (ground < 0.15 and ink > 0.85)
    watched.page.click("[data-value=unsure]")
    watched.page.click("#undo")
    watched.page.click("#next")
    watched.page.click("[data-value=no]")
    watched.wait(SAVED)
    assert decided(file) == {"2": "no"} and watched.faults == []
