"""A picture file as a data set or a run takes it: its bands, depth and orientation, else in words why it cannot."""

import io

import numpy as np
from PIL import UnidentifiedImageError

from casnet_cli.data.images import as_array, decode_rgb
from casnet_cli.data.intensities import STRIP_PIXELS, Intensities
from casnet_cli.data.pixels.picture import ALPHA, COLORS, INDEX, Picture, PictureInfo, full_opacity
from casnet_cli.data.pixels.profiles import in_srgb
from casnet_cli.data.pixels.read import read

KEPT = {"float16": "float32", "float64": "float32", "int64": "int32", "uint64": "uint32", "bool": "uint8"}
"""Types that are kept as another one, which networks and file formats have."""

PNG_DEPTH = 24
"""Place of the byte that says a PNG's bits a channel."""


MOST_NAMED = 20
"""Bands that a sentence lists."""

PNG_COLOR, PNG_WITH_ALPHA = 25, (b"\x04", b"\x06")
"""Place of the byte that says a PNG's kind of colours, and its values with an alpha channel."""

ON_WHITE = "a channel is marked as alpha: laid on white where transparent"
"""Decision on pictures of which no bands are chosen."""


def take(content: bytes, intensities: Intensities, oriented: bool = False, tagged: bool = True) -> np.ndarray:
    """(H, W, N) of `intensities.dtype`: the pixels of a file, for a data set or run of these intensities.

    oriented: turned by its EXIF tag. tagged: what the file's own tag calls no data is so for these intensities.
    Raises one of `images.UNREADABLE` for no picture; ValueError, in words that follow the file's name, if depth or
    bands do not fit.
    """
    if intensities.rgb and ordinary(content):
        try:
            return as_array(decode_rgb(io.BytesIO(content), oriented))
        except UnidentifiedImageError:  # a JPEG of 12 bits
            pass
    return fitted(read(content), intensities, oriented, tagged)


def ordinary(content: bytes) -> bool:
    """Whether a file is of a kind that has 8 bits a channel, and colours or grey."""
    if content.startswith(b"\x89PNG"):
        return content[PNG_DEPTH : PNG_DEPTH + 1] <= b"\x08"
    return content.startswith((b"\xff\xd8", b"BM", b"GIF8")) or content[8:12] == b"WEBP"


def fitted(picture: Picture, intensities: Intensities, oriented: bool = False, tagged: bool = True) -> np.ndarray:
    """The pixels of a decoded file as `take` gives them. Raises ValueError as it does."""
    if picture.info.doubt and (intensities.chosen or len(picture.info.bands) != len(intensities.bands)):
        raise ValueError(picture.info.doubt)
    bands, values = channels(in_srgb(picture) if intensities.rgb else picture)
    if intensities.chosen:
        if max(intensities.chosen) > len(bands):
            raise ValueError(f"has {in_words(bands)}, and band {max(intensities.chosen)} of each is taken here")
        values = values[..., [number - 1 for number in intensities.chosen]]
    else:
        values = _colors(bands, values, intensities, picture.info)
    values = _of_type(picture.info, values, intensities)
    values = _renamed(picture.info, values, intensities) if tagged else values
    return np.ascontiguousarray(turned(values, picture.info.orientation if oriented else 1))


def channels(picture: Picture) -> tuple[tuple[str, ...], np.ndarray]:
    """The bands of a decoded file by `bands_of`, and their values: colours of a palette, fewer than 8 bits up to 255.

    Where 0 is the brightest value, the values are turned round.
    """
    info, values = picture.info, picture.values
    if info.bands[0] == INDEX:
        return bands_of(info), _looked_up(info, values)
    colors = [place for place, band in enumerate(info.bands) if band != ALPHA]
    largest = 2**info.bits - 1
    if info.inverted and values.dtype.kind == "u":
        values = values.copy()
        values[..., colors] = values.dtype.type(largest) - values[..., colors]
    if info.bits < 8 and info.dtype == "uint8":
        values = values.copy()
        values[..., colors] *= np.uint8(255 // largest)
    return info.bands, values


def bands_of(info: PictureInfo) -> tuple[str, ...]:
    """The bands of a file, those of a palette being its colours."""
    if info.bands[0] == INDEX:
        return (*COLORS, ALPHA) if info.palette_alpha is not None or ALPHA in info.bands else COLORS
    return info.bands


def in_words(bands: tuple[str, ...]) -> str:
    """Bands in words, such as 4 bands (red, green, blue, band 4)."""
    listed = bands if len(bands) <= MOST_NAMED else (*bands[: MOST_NAMED - 1], "…", bands[-1])
    return f"{len(bands)} band{'s' * (len(bands) > 1)} ({', '.join(listed)})"


def depth_of(dtype: str) -> str:
    """A type of pixels in words, such as 16-bit values."""
    kind = np.dtype(dtype)
    what = {"f": "floating-point values", "i": "signed values"}.get(kind.kind, "values")
    return f"{8 * kind.itemsize}-bit {what}"


def _stored_depth(info: PictureInfo) -> str:
    """The type of a file's values in words, unsigned ones by the bits that are used."""
    return f"{info.bits}-bit values" if np.dtype(info.dtype).kind == "u" else depth_of(info.dtype)


def kept_dtype(info: PictureInfo) -> str:
    """NumPy's name of the type in which a file's values are kept."""
    return KEPT.get(info.dtype, info.dtype)


def _colors(bands: tuple[str, ...], values: np.ndarray, intensities: Intensities, info: PictureInfo) -> np.ndarray:
    """The channels without alpha, as many as the intensities have; transparent pixels are blended with white."""
    colors = values[..., [place for place, band in enumerate(bands) if band != ALPHA]]
    number = len(intensities.bands)
    if colors.shape[-1] == 1 and intensities.bands == COLORS:
        colors = np.repeat(colors, number, axis=-1)
    if colors.shape[-1] != number:
        trained = f"this run was trained on {in_words(intensities.bands)}"
        notes = "".join(f"; {note}" for note in info.notes)
        raise ValueError(f"has {in_words(bands)}{notes}, and {trained} (`casnet prepare … --bands` chooses bands)")
    if ALPHA not in bands:
        return colors
    alpha = values[..., bands.index(ALPHA), None]
    opacity = alpha / full_opacity(alpha, info.bits)
    if (opacity == 1).all():
        return colors
    blended = colors * (1 if info.premultiplied else opacity) + np.asarray(intensities.high) * (1 - opacity)
    return (np.rint(blended) if values.dtype.kind in "iu" else blended).astype(values.dtype)


def _looked_up(info: PictureInfo, values: np.ndarray) -> np.ndarray:
    """(H, W, 3 or 4) uint8 of palette indices; black where the palette has no such colour."""
    table = np.zeros((256, 3), np.uint8)
    if info.palette is not None:
        table[: len(info.palette)] = info.palette
    if ALPHA in info.bands:
        return np.concatenate([table[values[..., 0]], values[..., 1:2]], axis=-1)
    if info.palette_alpha is not None:
        opacity = np.full((256, 1), 255, np.uint8)
        opacity[: len(info.palette_alpha), 0] = info.palette_alpha
        table = np.concatenate([table, opacity], axis=1)
    return table[values[..., 0]]


def _of_type(info: PictureInfo, values: np.ndarray, intensities: Intensities) -> np.ndarray:
    """The values in the type of the intensities; those of 8 bits fill the range of deeper ones."""
    dtype, taken = kept_dtype(info), intensities.dtype
    if dtype != taken and dtype != "uint8":
        trained = f"this run was trained on {depth_of(taken)}"
        raise ValueError(f"has {_stored_depth(info)}, and {trained} (`casnet prepare … --range` prepares others)")
    if dtype != taken:
        low, high = np.asarray(intensities.low), np.asarray(intensities.high)
        filled = low + values * ((high - low) / 255)
        return (np.rint(filled) if np.dtype(taken).kind in "iu" else filled).astype(taken)
    if values.dtype.name == taken:
        return values
    with np.errstate(over="ignore"):  # beyond a float's range it is infinite
        narrow = values.astype(taken)
    if np.dtype(taken).kind in "iu" and not np.array_equal(narrow, values):
        raise ValueError(f"has values beyond {np.iinfo(taken).max:,}")
    return narrow


def _renamed(info: PictureInfo, values: np.ndarray, intensities: Intensities) -> np.ndarray:
    """The values with the file's own sign for no data replaced by that of the intensities."""
    if info.nodata is None or intensities.rgb or info.nodata == intensities.nodata:
        return values
    absent = Intensities(nodata=info.nodata).absent(values)
    other = np.nan if intensities.nodata is None else intensities.nodata
    if values.dtype.kind == "f" or intensities.nodata is not None:
        values = np.where(absent[..., None], np.asarray(other, values.dtype), values)
    return values


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, N) as viewers show it by its EXIF orientation, 1..8; 5 to 8 swap height and width."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return values[rows, columns]


def shown(pixels: np.ndarray, intensities: Intensities) -> np.ndarray:
    """(H, W, 3) uint8 for people: the first three bands as the network sees them, or the first one as grey.

    What was not measured is grey.
    """
    if intensities.plain:
        return pixels
    bands, places = len(intensities.bands), [0, 1, 2] if len(intensities.bands) >= 3 else [0, 0, 0]
    found = np.empty((*pixels.shape[:2], 3), np.uint8)
    rows = max(1, STRIP_PIXELS // max(1, pixels.shape[1]))
    for top in range(0, len(pixels), rows):
        seen = intensities.seen(pixels[top : top + rows], (127.5,) * bands)
        found[top : top + rows] = np.rint(seen[..., places])
    return found
