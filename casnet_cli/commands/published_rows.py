"""Tables 2 and 3 of the paper with one's own rows among them."""

from collections.abc import Mapping, Sequence
from typing import Any

from casnet_cli import console, published


def show_published(data: str, own: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """The paper's table for a data set, if it has one: cited rows as printed, then one's own, (title, fractions)."""
    cited = published.COMPARISON.get(data)
    if cited is None:
        return
    rows = [
        (row.method, f"{row.pixel_accuracy:g}", "–" if row.class_accuracy is None else f"{row.class_accuracy:g}")
        for row in cited
    ]
    rows += [
        (title, console.percent(found["pixel_accuracy"]), console.percent(found["class_accuracy"]))
        for title, found in own
    ]
    number = {"sift-flow": 2, "stanford-background": 3}[data]
    console.table(f"table {number} of the paper, and here", ("", "pixels right", "class mean"), rows)
    if data in published.NOTES:
        console.result(published.NOTES[data])
