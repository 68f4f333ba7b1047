"""Picture files as other programs write them, with the values that went in."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from helpers import png_files

HEIGHT, WIDTH = 18, 24


@dataclass(frozen=True)
class Written:
    """A file, and what it holds."""

    content: bytes
    """The whole file."""
    values: np.ndarray
    """(H, W, N), as they were written."""


def rough(dtype: Any, channels: int = 1, top: float | None = None) -> np.ndarray:
    """(H, W, channels): every value of the type may occur, of float ones 0..top or 1000."""
    rng = np.random.default_rng(channels)
    shape = (HEIGHT, WIDTH, channels)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return (rng.random(shape) * (top or 1000) - 1).astype(kind)
    if kind.kind == "b":
        return rng.random(shape) > 0.5
    low, high = np.iinfo(kind).min, np.iinfo(kind).max if top is None else int(top)
    found = rng.integers(low, high, shape, dtype=kind.newbyteorder("="), endpoint=True).astype(kind)
    found[0, 0], found[0, 1] = low, high
    return found


def smooth(channels: int, top: int = 255, dtype: Any = np.uint8) -> np.ndarray:
    """(H, W, channels): what a lossy compression keeps."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ramp = 0.3 + 0.4 * (rows + columns)[..., None] / (HEIGHT + WIDTH)
    return np.rint(ramp * np.linspace(0.6, 1, channels) * top).astype(dtype)


def cut_out(values: np.ndarray) -> np.ndarray:
    """With an alpha channel that is nothing or full, a few pixels half."""
    full = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1
    alpha = np.zeros((HEIGHT, WIDTH, 1), values.dtype)
    alpha[3:15, 4:20] = full
    alpha[3, 4:8] = full / 2 if values.dtype.kind == "f" else full // 2
    return np.concatenate([values, alpha], axis=-1)


def png(bits: int, kind: int, keyed: bool = False) -> Written:
    """keyed: with one transparent colour, which reads as an alpha channel; of a palette with opacities."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    values = rough(np.uint16 if bits == 16 else np.uint8, channels, 2**bits - 1)
    if kind == png_files.PALETTE:
        opacity = bytes([0, 128]) if keyed else b""
        return Written(png_files.png(values, bits, kind, palette(2**bits), opacity), values)
    if not keyed:
        return Written(png_files.png(values, bits, kind), values)
    key = values[2, 3]
    opaque = (values != key).any(axis=-1, keepdims=True) * np.iinfo(values.dtype).max
    content = png_files.png(values, bits, kind, transparency=key.astype(">u2").tobytes())
    return Written(content, np.concatenate([values, opaque.astype(values.dtype)], axis=-1))


def palette(colors: int) -> np.ndarray:
    """(colors, 3) uint8."""
    return np.random.default_rng(7).integers(0, 256, (colors, 3), np.uint8)


# TIFF


def tiff(values: np.ndarray, **options: Any) -> Written:
    buffer = io.BytesIO()
    options.setdefault("photometric", "rgb" if values.shape[-1] >= 3 else "minisblack")
    if options.get("planarconfig") == "separate":
        given = np.moveaxis(values, -1, 0)
    else:
        given = values[..., 0] if values.shape[-1] == 1 else values
        options |= {} if values.shape[-1] == 1 else {"planarconfig": "contig"}
    tifffile.imwrite(buffer, given, **options)
    stored = values.astype(np.uint8) if values.dtype.kind == "b" else values
    return Written(buffer.getvalue(), stored.astype(stored.dtype.newbyteorder("=")))


def tiff_palette() -> Written:
    values = rough(np.uint8)
    return tiff(values, photometric="palette", colormap=palette(256).T.astype(np.uint16) * 257)


def tiff_pages() -> Written:
    values = rough(np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.stack([values[..., 0], values[::-1, :, 0], values[..., 0]]), photometric="minisblack")
    return Written(buffer.getvalue(), values)


def tiff_pyramid() -> Written:
    values = rough(np.uint8, 3)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(values, photometric="rgb", tile=(16, 16))
        file.write(values[::2, ::2], photometric="rgb", subfiletype=1)
    return Written(buffer.getvalue(), values)


def gdal(values: np.ndarray, **options: Any) -> Written:
    """As GDAL writes it."""
    import rasterio
    from rasterio.io import MemoryFile

    shape = {"height": HEIGHT, "width": WIDTH, "count": values.shape[-1], "dtype": values.dtype}
    with warnings.catch_warnings(), rasterio.Env(), MemoryFile() as memory:
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with memory.open(driver="GTiff", **shape, **options) as file:
            file.write(np.moveaxis(values, -1, 0))
        return Written(memory.read(), values)


# Others


def pillow(values: np.ndarray, kind: str, mode: str | None = None, **options: Any) -> Written:
    image = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    if mode == "P":
        image.putpalette(palette(256).tobytes())
    elif mode:
        image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Written(buffer.getvalue(), values)


def bilevel(kind: str) -> Written:
    values = rough(bool)
    buffer = io.BytesIO()
    Image.fromarray(values[..., 0]).save(buffer, kind)
    return Written(buffer.getvalue(), values.astype(np.uint8))


def coded(encode: Callable[..., bytes], values: np.ndarray, **options: Any) -> Written:
    return Written(encode(values[..., 0] if values.shape[-1] == 1 else values, **options), values)


def mpo() -> Written:
    first, second = (Image.fromarray(values) for values in (smooth(3), smooth(3)[::-1]))
    buffer = io.BytesIO()
    first.save(buffer, "MPO", save_all=True, append_images=[second], quality=95, subsampling=0)
    return Written(buffer.getvalue(), smooth(3))


def heif(values: np.ndarray, mode: str, **options: Any) -> Written:
    import pillow_heif

    buffer = io.BytesIO()
    file = pillow_heif.from_bytes(mode=mode, size=(WIDTH, HEIGHT), data=values.tobytes())
    file.save(buffer, quality=-1, matrix_coefficients=0, chroma=444, **options)
    return Written(buffer.getvalue(), values)


def npy(values: np.ndarray, order: Any = "C") -> Written:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values[..., 0] if values.shape[-1] == 1 else values, order=order))
    stored = values.astype(np.uint8) if values.dtype.kind == "b" else values
    return Written(buffer.getvalue(), stored.astype(stored.dtype.newbyteorder("=")))


def pnm(kind: int, values: np.ndarray, largest: int) -> Written:
    sizes = f"P{kind}\n# made by a test\n{WIDTH} {HEIGHT}\n" + (f"{largest}\n" if kind not in (1, 4) else "")
    if kind in (1, 2, 3):
        body = " ".join(map(str, values.ravel())).encode()
    elif kind == 4:
        body = np.packbits(values[..., 0], axis=1).tobytes()
    else:
        body = values.astype(">u2" if largest > 255 else np.uint8).tobytes()
    return Written(sizes.encode() + body, values)
