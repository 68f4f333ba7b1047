"""The page of `casnet audit`: each suspect region in its image, its label and what the network proposes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.data.images import colored, decode_label
from casnet_cli.data.pixels.stored import decode_pixels
from casnet_cli.data.pixels.take import shown
from casnet_cli.data.store import Store
from casnet_cli.reports.html import Picture, picture, render
from casnet_cli.reports.panels import YELLOW

TITLE = "Labels of "
"""How the title of every such page begins."""

LONGEST = 300
"""Pixels of the longer side of a picture."""


def page(found: Sequence[LocatedSuspect], total: int, store: Store) -> str:
    """The text of the page. found: those shown. total: how many are on the list."""
    names = store.labels.names
    cards = []
    for number, located in enumerate(found, 1):
        suspect = located.suspect
        cards.append(
            {
                "number": number,
                "image": located.image,
                "kind": suspect.kind,
                "label": names[suspect.label],
                "proposal": names[suspect.proposal],
                "pixels": suspect.pixels,
                "confidence": suspect.confidence,
                "pictures": pictures(store, located),
            }
        )
    legend = list(zip(names, store.labels.palette, strict=True))
    return render("audit.html", title=f"{TITLE}{Path(store.path).name} that look wrong", cards=cards, total=total,
                  legend=legend)  # fmt: skip


def pictures(store: Store, located: LocatedSuspect, longest: int = LONGEST) -> list[Picture]:
    """The image, its label, and the label as proposed, the region outlined in each.

    longest: pixels of the longer side of each at most.
    """
    suspect, group = located.suspect, store.file[located.split]
    row = store.names[located.split].index(located.image)
    image = shown(decode_pixels(group["image"][row].tobytes(), store.intensities), store.intensities)
    label = np.array(decode_label(group["label"][row].tobytes()))
    proposed = label.copy()
    proposed[suspect.box][suspect.inside] = suspect.proposal
    edge = np.zeros(label.shape, bool)
    edge[suspect.box] = suspect.inside
    edge = ndimage.binary_dilation(edge, iterations=2) & ~edge
    drawn = []
    for pixels, caption in (
        (image, "image"),
        (colored(label, store.labels), "label"),
        (colored(proposed, store.labels), "proposal"),
    ):
        outlined = np.array(pixels)
        outlined[edge] = YELLOW
        drawn.append(picture(outlined, caption, longest))
    return drawn
