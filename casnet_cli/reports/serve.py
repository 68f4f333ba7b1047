"""The page of `casnet serve`, on which pictures are dropped."""

from casnet_cli.data.pixels.formats import FORMATS
from casnet_cli.labels import LabelSet
from casnet_cli.reports.html import render


def page(title: str, labels: LabelSet) -> str:
    """The text of the page. title: of the run. labels: its classes."""
    endings = sorted(ending for row in FORMATS.values() for ending in row.endings)
    classes = [[name, list(color)] for name, color in zip(labels.names, labels.palette, strict=True)]
    return render("serve.html", title=f"casnet: {title}", run=title, classes=classes, endings=endings)
