"""LabelSet: the classes of a data set, their colours, and the id of unlabelled pixels."""

import colorsys
from dataclasses import dataclass

VOID = 255
"""Class id of an unlabelled pixel: no loss, no metric, no attention label."""

MAX_CLASSES = 255
"""Ids are 8-bit numbers, and one of them is void."""

VOID_COLOR = (0, 0, 0)

Color = tuple[int, int, int]
"""Red, green and blue, 0..255."""


@dataclass(frozen=True)
class LabelSet:
    """The classes of a data set."""

    names: tuple[str, ...]
    """K different names, in the order of the class ids 0..K-1."""
    palette: tuple[Color, ...]
    """An RGB colour, 0..255 each, for every class."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) <= MAX_CLASSES:
            raise ValueError(f"a label set has 1..{MAX_CLASSES} classes, received {len(self.names)}")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"class names must differ, received {self.names}")
        if len(self.palette) != len(self.names):
            raise ValueError(f"{len(self.names)} classes need as many colours, received {len(self.palette)}")

    def __len__(self) -> int:
        return len(self.names)

    def flat_palette(self) -> list[int]:
        """256 RGB triples in a row for Pillow's `putpalette`; void and ids of no class are black."""
        flat = [channel for color in self.palette for channel in color]
        return flat + list(VOID_COLOR) * (256 - len(self.palette))


def with_colors(names: tuple[str, ...]) -> LabelSet:
    """A label set with colours spread over the hue circle by the golden ratio, so that neighbours differ."""
    palette = []
    for index in range(len(names)):
        value = 0.95 - 0.3 * (index % 3) / 2
        rgb = colorsys.hsv_to_rgb((index * 0.618034) % 1.0, 0.75 - 0.25 * (index % 2), value)
        palette.append((round(rgb[0] * 255), round(rgb[1] * 255), round(rgb[2] * 255)))
    return LabelSet(tuple(names), tuple(palette))
