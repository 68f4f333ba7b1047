"""The page of `casnet audit`: each suspect region in its image, its label and what the network proposes."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.data.images import colored, decode_label, decode_rgb
from casnet_cli.data.store import Store
from casnet_cli.reports.html import picture, render

YELLOW, LONGEST = (255, 220, 0), 300


def page(found: Sequence[LocatedSuspect], total: int, store: Store) -> str:
    """found: those shown. total: how many are on the list."""
    names = store.labels.names
    cards = []
    for number, named in enumerate(found, 1):
        one = named.suspect
        cards.append(
            {
                "number": number,
                "image": named.image,
                "kind": one.kind,
                "label": names[one.label],
                "proposal": names[one.proposal],
                "pixels": one.pixels,
                "confidence": one.confidence,
                "pictures": _pictures(store, named),
            }
        )
    legend = list(zip(names, store.labels.palette, strict=True))
    return render("audit.html", title=f"Labels of {Path(store.path).name} that look wrong", cards=cards, total=total,
                  legend=legend)  # fmt: skip


def _pictures(store: Store, named: LocatedSuspect) -> list[Any]:
    """The image, its label, and the label as proposed, the region outlined in each."""
    one, group, row = named.suspect, store.file[named.split], store.names[named.split].index(named.image)
    image = np.asarray(decode_rgb(io.BytesIO(group["image"][row].tobytes())))
    label = np.array(decode_label(group["label"][row].tobytes()))
    proposed = label.copy()
    proposed[one.box][one.inside] = one.proposal
    edge = np.zeros(label.shape, bool)
    edge[one.box] = one.inside
    edge = ndimage.binary_dilation(edge, iterations=2) & ~edge
    drawn = []
    for pixels, caption in (
        (image, "image"),
        (colored(label, store.labels), "label"),
        (colored(proposed, store.labels), "proposal"),
    ):
        shown = np.array(pixels)
        shown[edge] = YELLOW
        drawn.append(picture(shown, caption, LONGEST))
    return drawn
