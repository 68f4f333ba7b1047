"""The numbers printed in the paper (Wang, Deng, Wang 2019), in percent, to stand beside one's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from casnet_cli import console
from casnet_cli.util.text import percent

PAPER = "CasNet (the paper)"


@dataclass(frozen=True)
class Cited:
    """A row of table 2 or 3, in percent."""

    method: str
    """Authors and year."""
    pixel_accuracy: float
    """Right pixels."""
    class_accuracy: float | None
    """Mean over the classes; None: the paper prints none."""


@dataclass(frozen=True)
class OwnRow:
    """A row of one's own, fractions."""

    title: str
    """What was measured."""
    pixel_accuracy: float | None
    """Right pixels; None: none is labelled."""
    class_accuracy: float | None
    """Mean over the classes."""


ABLATION = {
    "sift-flow": {"a": 89.2, "b": 91.0, "c": 91.6},
    "stanford-background": {"a": 88.5, "b": 89.2, "c": 89.7},
}
"""Table 1, pixel accuracy of variants (a), (b), (c)."""

CONTRADICTION = (
    "SIFT Flow's row is as printed and contradicts itself: its arrows, ↑0.8 for (b) and ↑1.4 for (c), fit 90.2 for "
    "(a), while the text says 89.2 three times."
)

COMPARISON = {
    "sift-flow": (
        Cited("Liu et al. 2011", 76.7, None),
        Cited("Tighe, Lazebnik SVM", 75.6, 41.4),
        Cited("Tighe, Lazebnik SVM+MRF", 78.6, 39.2),
        Cited("Farabet et al. natural", 72.3, 50.8),
        Cited("Farabet et al. balanced", 78.5, 29.6),
        Cited("Pinheiro, Collobert 2014", 77.7, 29.8),
        Cited("Liang et al. 2015", 84.3, 41.0),
        Cited("Long et al. (FCN) 2015", 85.9, 53.9),
        Cited("Jin et al. 2017", 86.9, 56.5),
        Cited("ResNet-50 baseline (the paper)", 90.52, None),
        Cited(PAPER, 91.6, 52.5),
    ),
    "stanford-background": (
        Cited("Gould et al. 2009", 76.4, None),
        Cited("Tighe, Lazebnik 2010", 77.5, None),
        Cited("Eigen, Fergus 2012", 75.3, 66.5),
        Cited("Singh, Kosecka 2013", 74.1, 62.2),
        Cited("Lempitsky et al. 2011", 81.9, 72.4),
        Cited("Liang et al. 2015", 83.1, 74.8),
        Cited("Jin et al. 2017", 86.6, 79.0),
        Cited(PAPER, 89.7, 75.4),
    ),
}
"""Tables 2 and 3. The two rows of Farabet et al. stand as the paper prints them; the original has them the other way
round."""

SWAPPED = "The rows of Farabet et al. are as the paper prints them; the original has their numbers the other way round."
NOTES = {"sift-flow": SWAPPED}


def show_published(data: str, own: Sequence[OwnRow]) -> None:
    """The paper's table for a data set, if it has one: cited rows as printed, then one's own."""
    cited = COMPARISON.get(data)
    if cited is None:
        return
    rows = [
        (row.method, f"{row.pixel_accuracy:g}", "–" if row.class_accuracy is None else f"{row.class_accuracy:g}")
        for row in cited
    ]
    rows += [(row.title, percent(row.pixel_accuracy), percent(row.class_accuracy)) for row in own]
    number = {"sift-flow": 2, "stanford-background": 3}[data]
    console.table(f"table {number} of the paper, and here", ("", "pixels right", "class mean"), rows)
    if data in NOTES:
        console.result(NOTES[data])
