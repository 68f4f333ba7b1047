"""The page of `casnet compare`: runs side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

TITLE = "Comparison of "
"""How the title of every such page begins."""


@dataclass(frozen=True)
class Table:
    """A table of figures."""

    title: str
    """What stands above it."""
    head: tuple[str, ...]
    """Its columns; the first one names the rows."""
    rows: list[tuple[str, ...]]
    """Its cells."""


def page(data: str, images: str, runs: Sequence[str], sentence: str, tables: Sequence[Table]) -> str:
    """The text of the page. data: name of the data set. images: which were measured, in words. runs: each with its
    letter. sentence: what was found."""
    from casnet_cli.reports.html import render

    title = f"{TITLE}{len(runs)} runs on {data}"
    return render("compare.html", title=title, images=images, runs=runs, sentence=sentence, tables=tables)
