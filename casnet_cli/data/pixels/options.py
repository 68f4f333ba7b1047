"""The options by which pictures of one's own data are taken."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureOptions:
    """How the pictures of one's own data are taken.

    Its text is part of the stamp by which an unchanged source is recognized.
    """

    range: str | None = None
    """`auto`, `dtype` or LOW:HIGH; None: pictures of 8 bits as they are, others by `auto`."""
    bands: str | None = None
    """Numbers, from 1, or names of the bands that are taken, with commas between; None: the colours."""
    nodata: float | None = None
    """Value that means that nothing was measured; NaN: no value does; None: what the files say."""
    resize_masks: bool = False
    """Whether masks are scaled that differ from their pictures in size by one factor."""
