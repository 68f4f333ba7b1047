"""Colours as labelling tools write them."""

import re

from casnet_cli.labels import Color


def color_of(given: object) -> Color | None:
    """Of `#ff8800` or `ff8800`, or of a list of red, green, blue and perhaps opacity; None: it is no colour."""
    if isinstance(given, str) and re.fullmatch("#?[0-9a-fA-F]{6}", given):
        given = list(bytes.fromhex(given[-6:]))
    if not isinstance(given, list) or len(given) not in (3, 4):
        return None
    red, green, blue = given[:3]
    return (red, green, blue) if all(type(one) is int and 0 <= one <= 255 for one in given[:3]) else None
