"""The examples of the pages do what the pages show; `helpers.pages` says how."""

from pathlib import Path

import pytest
from helpers import pages
from helpers.pages import PAGES, ROOT, Example


def kinds(page: Path) -> set[str]:
    return {example.kind for example in pages.examples(page)}


def of(page: Path, *wanted: str) -> list[Example]:
    return [example for example in pages.examples(page) if example.kind in wanted]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def demo(tiny: None, uncompiled: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all pages, as a reader has it: what one of them has measured, another need not measure again."""
    with pytest.MonkeyPatch.context() as patch:
        return pages.demo(tmp_path_factory.mktemp("demo"), patch)


@pytest.mark.parametrize("page", [page for page in PAGES if "demo" in kinds(page)], ids=name)
def test_on_the_demo(page: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    pages.run(of(page, "demo"), monkeypatch)


@pytest.mark.parametrize("page", [page for page in PAGES if "own" in kinds(page)], ids=name)
def test_on_own_data(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pages.own(tmp_path / "own"))
    pages.run(of(page, "own", "file"), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if "slow" in kinds(page)], ids=name)
def test_that_take_longer(page: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    pages.run(of(page, "slow"), monkeypatch)
