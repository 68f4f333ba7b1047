"""A real browser without a window: Chromium, driven by Playwright where both are installed."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PHONE, DESK = (390, 844), (1280, 800)
"""Width and height of a window in pixels."""


@contextmanager
def browser() -> Iterator[Any]:
    """Skips the test where the packages are missing, and names them."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install playwright)")
    if CHROMIUM is None:
        pytest.skip("needs Chromium (apt install chromium)")
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()


class Watched:
    """A page, and what went wrong in it. Pages that were opened before it are closed."""

    def __init__(self, started: Any, address: str, size: tuple[int, int] = DESK, scheme: str = "light"):
        for other in started.contexts:
            other.close()
        self.context = started.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, accept_downloads=True
        )
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.addresses: set[str] = set()
        self.dialogs: list[Any] = []
        self.page.on(
            "filechooser", lambda dialog: self.dialogs.append(dialog)
        )  # from the start: Playwright is slow to look for the first
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda text: self.faults.append(text.text) if text.type == "error" else None)
        self.page.on("request", lambda request: self.addresses.add(request.url.partition("?")[0].rpartition("/")[0]))
        self.open(address)

    def open(self, address: str) -> None:
        """Load a page, and wait until it is drawn: Chromium drops keys that come before."""
        self.page.goto(address)
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def drop(self, *files: Path) -> None:
        """Files or folders from outside the browser."""
        box = self.page.locator("body").bounding_box()
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        session = self.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            place = {"x": box["x"] + 200, "y": box["y"] + 200}
            session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})

    def choose(self, *files: Path) -> None:
        """Answer the dialog in which files are chosen, once it is there."""
        end = time.monotonic() + 15
        while not self.dialogs:
            assert time.monotonic() < end, "no dialog"
            self.page.wait_for_timeout(20)
        self.dialogs.pop().set_files([str(file) for file in files])

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        return " ".join(self.page.inner_text(selector).split())

    def wait(self, condition: str) -> None:
        """Until a JavaScript expression is true; Playwright's own way is against the policy of the pages."""
        end = time.monotonic() + 15
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, f"{condition}: {self.page.inner_text('body')}"
            time.sleep(0.02)

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def lightness(self) -> tuple[float, float]:
        """Of the ground and of the text, 0..1."""
        colors = self.page.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
        ground, ink = (sum(map(int, color[4:-1].split(","))) / 765 for color in colors)
        return ground, ink

    def small_buttons(self) -> list[str]:
        """Texts of buttons that a thumb misses."""
        return list(
            self.page.evaluate(
                "[...document.querySelectorAll('button')].filter(b => b.offsetParent && b.offsetHeight < 40)"
                ".map(b => b.textContent)"
            )
        )
