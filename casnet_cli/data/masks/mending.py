"""Mending of masks whose borders were blended: values between two classes, colours between several."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from casnet_cli.errors import InputError
from casnet_cli.labels import VOID

if TYPE_CHECKING:
    import numpy as np

    from casnet_cli.data.classes.class_table import ClassTable

GROUP = 1 << 13
"""Colours that are compared with those of the classes at a time."""


@dataclass(frozen=True)
class Mending:
    """What is done to pixels that no class and no void claims, where the options say so."""

    nearest: int | None = None
    """Largest difference in a channel at which a colour is taken for the nearest claimed one; None: it is not."""
    threshold: float | None = None
    """Value from which on a grey mask's pixels are the object; None: they are not divided."""

    def __bool__(self) -> bool:
        return self.nearest is not None or self.threshold is not None


NO_MENDING = Mending()
"""Masks are taken as they are."""


def check_mending(mending: Mending, table: "ClassTable") -> None:
    """Raises InputError if a mending cannot be done with a table of classes."""
    if mending.nearest is not None and not 0 <= mending.nearest <= 255:
        raise InputError(f"--nearest-color {mending.nearest}: no distance of colours (0 to 255)")
    if mending.nearest is not None and not table.colors:
        raise InputError(f"--nearest-color {mending.nearest}: no class of the table has a color")
    if mending.threshold is not None:
        if len(table.labels) != 2:
            classes = f"the table has {len(table.labels)}"
            raise InputError(f"--threshold {mending.threshold:g}: divides masks into two classes, and {classes}")
        if not mending.threshold == mending.threshold:
            raise InputError("--threshold nan: not a number")


def ground_and_object(table: "ClassTable") -> tuple[int, int]:
    """Class ids of the pixels below a threshold and from it on: the class with the largest id, else the brightest
    colour, is the object. table: of two classes."""
    brightness = {color: sum(color) for color in table.colors}
    order: list[tuple[float, int]] = [(value, owner) for value, owner in table.ids.items() if owner != VOID]
    order = order or [(brightness[color], owner) for color, owner in table.colors.items() if owner != VOID]
    top = max(order)[1]
    return 1 - top, top


def nearest_classes(colors: "np.ndarray", table: "ClassTable") -> "tuple[np.ndarray, np.ndarray]":
    """Of (n,) packed colours the class id or VOID of the nearest claimed colour, int16, and how far it is.

    Distances are the largest difference in a channel; of claimed colours at the same distance the first one counts.
    """
    import numpy as np

    from casnet_cli.data.masks.mask_file import unpack_color

    known = np.array(list(table.colors), np.int16).reshape(-1, 3)
    owners = np.array(list(table.colors.values()), np.int16)
    found, far = np.empty(len(colors), np.int16), np.empty(len(colors), np.int16)
    for start in range(0, len(colors), GROUP):
        part = slice(start, start + GROUP)
        channels = np.stack(unpack_color(colors[part]), axis=-1).astype(np.int16)  # type: ignore[arg-type]
        distances = np.zeros((len(channels), len(known)), np.int16)
        for channel in range(3):
            np.maximum(distances, np.abs(channels[:, None, channel] - known[None, :, channel]), out=distances)
        best = distances.argmin(axis=1)
        found[part], far[part] = owners[best], distances[np.arange(len(best)), best]
    return found, far
