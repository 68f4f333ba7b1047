"""Picture files as a run takes them, and what was decided where they are not what it was trained on."""

import io
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import UnidentifiedImageError

from casnet_cli.data.images import size_of
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.picture import ALPHA, COLORS, Georeference, Picture, PictureInfo
from casnet_cli.data.pixels.read import info_of, read
from casnet_cli.data.pixels.take import ON_WHITE, PNG_COLOR, PNG_WITH_ALPHA, bands_of, fitted, ordinary, take
from casnet_cli.data.remarks import Remarks
from casnet_cli.prediction.gaps import gaps_of, may_have_gaps
from casnet_cli.prediction.geotiff_format import located
from casnet_cli.prediction.large_picture import LargePicture, open_large

RGB_BYTES = 3
"""Of a pixel of 8-bit RGB, in which memory is counted."""

COMMON = (b"\xff\xd8", b"\x89PNG")
"""How the files begin whose header says no more than their size, if they are `ordinary`."""

HEADER_BYTES = 1 << 16
"""In these the index of further pictures begins, and Adobe's mark and a transparent colour stand."""


@dataclass(frozen=True)
class PictureFacts:
    """What is known of a picture before its pixels are decoded."""

    size: tuple[int, int]
    """Width and height as stored, before any turning."""
    georeference: Georeference | None = None
    """Where it lies on the earth."""
    gaps: bool = False
    """Whether the file may say of places that nothing was measured there."""


@dataclass(frozen=True)
class PictureReader:
    """Reads pictures for a run. May be used from several threads."""

    intensities: Intensities = PLAIN
    """What the pictures hold that the run was trained on."""
    remarks: Remarks = field(default_factory=Remarks)
    """What was decided, file by file."""

    @property
    def pixel_cost(self) -> float:
        """Memory of a pixel in pixels of 8-bit RGB, at least 1."""
        bands, value = len(self.intensities.bands), np.dtype(self.intensities.dtype).itemsize
        return max(1.0, bands * value / RGB_BYTES)

    def facts(self, content: bytes, file: Path) -> PictureFacts:
        """By the header. file: named in remarks. Raises one of `images.UNREADABLE`."""
        if self.intensities.rgb and content.startswith(COMMON) and ordinary(content) and not _notable(content):
            try:
                return PictureFacts(size_of(io.BytesIO(content)))
            except UnidentifiedImageError:  # a JPEG of 12 bits
                pass
        info = info_of(content)
        for text in self._decisions(info):
            self.remarks.add(text, file)
        if ALPHA in bands_of(info) and not self.intensities.chosen:
            self.remarks.add(ON_WHITE, file)
        info = replace(info, georeference=located(file, info))
        return PictureFacts(info.size, info.georeference, may_have_gaps(info))

    def pixels(self, content: bytes) -> np.ndarray:
        """(H, W, N) of the run's type and bands, turned by the EXIF tag. Raises one of `images.UNREADABLE`."""
        return take(content, self.intensities, oriented=True)

    def decoded(self, content: bytes, facts: PictureFacts) -> tuple[np.ndarray, np.ndarray | None]:
        """As `pixels`, but not turned if it lies on the earth; and where the file says that nothing was measured, see
        `gaps_of`, None: it does not say it. Raises one of `images.UNREADABLE`."""
        oriented = facts.georeference is None
        if not facts.gaps:
            return take(content, self.intensities, oriented), None
        picture = read(content)
        picture = replace(picture, info=replace(picture.info, georeference=facts.georeference))
        return fitted(picture, self.intensities, oriented), gaps_of(picture, oriented)

    def large(self, file: Path) -> LargePicture | None:
        """A picture that is to be read by windows; None: any other file. Raises one of `images.UNREADABLE`."""
        found = open_large(file, self.intensities)
        for text in self._decisions(found.info) if found else ():
            self.remarks.add(text, file)
        return found

    def frame(self, image: np.ndarray, file: Path) -> np.ndarray:
        """A frame of a video (H, W, 3) uint8, as `pixels`. Raises ValueError."""
        if self.intensities.plain:
            return image
        info = PictureInfo("video", (image.shape[1], image.shape[0]), 8, "uint8", COLORS)
        for text in self._decisions(info):
            self.remarks.add(text, file)
        return fitted(Picture(info, image), self.intensities)

    def _decisions(self, info: PictureInfo) -> list[str]:
        found = list(info.notes)
        if info.pages > 1:
            found.append("of several pages or frames the first is taken")
        if not info.deep and self.intensities.dtype != "uint8":
            found.append(
                "8-bit values, stretched over the range of deeper pictures that this run was trained on: expect worse "
                "predictions"
            )
        return found


def _notable(content: bytes) -> bool:
    """Whether a JPEG or PNG may hold further pictures, CMYK or transparency: its header tells."""
    head = content[:HEADER_BYTES]
    if head.startswith(COMMON[1]) and head[PNG_COLOR : PNG_COLOR + 1] in PNG_WITH_ALPHA:
        return True
    return any(mark in head for mark in (b"MPF\0", b"acTL", b"Adobe\0", b"tRNS"))
