"""The page of `--review`, on which people decide row by row."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from casnet_cli.labels import LabelSet
from casnet_cli.reports.html import render


@dataclass(frozen=True)
class ReviewRow:
    """A row of the list as the page shows it."""

    key: str
    """Its name in the list."""
    title: str
    """What is to be decided on."""
    facts: str
    """What else is known of it."""


@dataclass(frozen=True)
class Choice:
    """What may be decided."""

    value: str
    """As the list has it."""
    key: str
    """The key of the keyboard that decides so."""
    meaning: str
    """What it means, for the page."""


def page(
    title: str, rows: Sequence[ReviewRow], choices: Sequence[Choice], file: str, labels: LabelSet | None = None
) -> str:
    """The text of the page. file: the list that decisions go into. labels: whose colours its pictures have."""
    return render(
        "review.html",
        title=title,
        rows=[asdict(row) for row in rows],
        choices=[asdict(choice) for choice in choices],
        file=file,
        legend=list(zip(labels.names, labels.palette, strict=True)) if labels else [],
    )
