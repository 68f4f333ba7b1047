"""The table of picture files: a kind a row, with what it holds and who else reads it."""

from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import numpy as np

from helpers import picture_writers as by
from helpers.picture_writers import Written, cut_out, rough, smooth

GREY, RGB, GREY_ALPHA, RGBA = ("grey",), ("red", "green", "blue"), ("grey", "alpha"), ("red", "green", "blue", "alpha")
INDEX = ("index",)
OTHERS = ("rasterio", "opencv")


@dataclass(frozen=True)
class PictureFile:
    """A kind of file."""

    ending: str
    """Of its name."""
    write: Callable[[], Written]
    """Makes one."""
    bands: tuple[str, ...]
    """What its channels mean."""
    bits: int = 8
    """Of a value."""
    readers: tuple[str, ...] = ()
    """Other readers that give the stored values: rasterio, opencv, pillow, numpy."""
    near: int = 0
    """Largest difference that a lossy compression makes."""


def bands_of(count: int) -> tuple[str, ...]:
    return tuple(f"band {number}" for number in range(1, count + 1))


def _png_files() -> dict[str, PictureFile]:
    found = {}
    for bits in (1, 2, 4, 8, 16):
        found[f"png grey {bits}"] = PictureFile(".png", lambda bits=bits: by.png(bits, 0), GREY, bits, ("rasterio",))
        keyed = PictureFile(".png", lambda bits=bits: by.png(bits, 0, True), GREY_ALPHA, bits)
        found[f"png grey {bits} with a transparent value"] = keyed
    for bits in (1, 2, 4, 8):
        found[f"png palette {bits}"] = PictureFile(
            ".png", lambda bits=bits: by.png(bits, 3), INDEX, bits, ("rasterio",)
        )
    found["png palette with opacities"] = PictureFile(".png", lambda: by.png(4, 3, True), INDEX, 4, ("rasterio",))
    for bits in (8, 16):
        for kind, bands in ((2, RGB), (4, GREY_ALPHA), (6, RGBA)):
            readers = ("rasterio",) if kind == 4 else OTHERS
            write = lambda bits=bits, kind=kind: by.png(bits, kind)  # noqa: E731
            found[f"png {' '.join(bands)} {bits}"] = PictureFile(".png", write, bands, bits, readers)
        keyed = PictureFile(".png", lambda bits=bits: by.png(bits, 2, True), RGBA, bits)
        found[f"png colour {bits} with a transparent one"] = keyed
    return found


def _tiff_files() -> dict[str, PictureFile]:
    found = {}
    for dtype in ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]:
        readers = ("rasterio",) if dtype in ("int8", "uint64", "int64") else OTHERS
        write = lambda dtype=dtype: by.tiff(rough(dtype))  # noqa: E731
        found[f"tiff grey {dtype}"] = PictureFile(".tif", write, GREY, np.dtype(dtype).itemsize * 8, readers)
    found["tiff grey float16"] = PictureFile(".tif", lambda: by.tiff(rough("float16")), GREY, 16)
    for dtype in ("uint8", "uint16", "float32"):
        write = lambda dtype=dtype: by.tiff(rough(dtype, 3))  # noqa: E731
        found[f"tiff colour {dtype}"] = PictureFile(".tif", write, RGB, np.dtype(dtype).itemsize * 8, OTHERS)
    layouts = {
        "tiles": {"tile": (16, 16)},
        "strips": {"rowsperstrip": 5},
        "planes": {"planarconfig": "separate"},
        "planes of tiles": {"planarconfig": "separate", "tile": (16, 16)},
        "big-endian": {"byteorder": ">"},
        "BigTIFF": {"bigtiff": True},
        "lzw": {"compression": "lzw"},
        "deflate": {"compression": "adobe_deflate"},
        "deflate, predicted": {"compression": "adobe_deflate", "predictor": True},
        "packbits": {"compression": "packbits"},
        "zstd": {"compression": "zstd"},
        "lzma": {"compression": "lzma"},
        "lerc": {"compression": "lerc"},
    }
    for name, options in layouts.items():
        write = lambda options=options: by.tiff(rough(np.uint16, 3), **options)  # noqa: E731
        found[f"tiff {name}"] = PictureFile(".tif", write, RGB, 16, ("rasterio",))
    predicted = {"compression": "adobe_deflate", "predictor": True}
    reader = ("rasterio",)
    return found | {
        "tiff float, predicted": PictureFile(".tif", lambda: by.tiff(rough("float32"), **predicted), GREY, 32, reader),
        "tiff webp": PictureFile(".tif", lambda: by.tiff(rough("uint8", 3), compression="webp"), RGB, 8, reader),
        "tiff jpeg": PictureFile(".tif", lambda: by.tiff(smooth(3), compression="jpeg"), RGB, 8, reader, near=6),
        "tiff jpeg 2000": PictureFile(".tif", lambda: by.tiff(rough("uint16", 3), compression="jpeg2000"), RGB, 16),
        "tiff 1 bit": PictureFile(".tif", lambda: by.tiff(rough(bool)), GREY, 1, reader),
        "tiff 1 bit, 0 white": PictureFile(".tif", lambda: by.tiff(rough(bool), photometric="miniswhite"), GREY, 1),
        "tiff 0 white": PictureFile(".tif", lambda: by.tiff(rough("uint8"), photometric="miniswhite"), GREY, 8, reader),
        "tiff palette": PictureFile(".tif", by.tiff_palette, INDEX, 8, reader),
        "tiff pages": PictureFile(".tif", by.tiff_pages, GREY, 16, OTHERS),
        "tiff pyramid": PictureFile(".tif", by.tiff_pyramid, RGB, 8, reader),
        "tiff grey and alpha": PictureFile(
            ".tif", lambda: by.tiff(cut_out(rough("uint16")), extrasamples=["unassalpha"]), GREY_ALPHA, 16, reader
        ),
        "tiff colour and alpha": PictureFile(
            ".tif", lambda: by.tiff(cut_out(rough("uint8", 3)), extrasamples=["unassalpha"]), RGBA, 8, reader
        ),
        "tiff float colour and alpha": PictureFile(
            ".tif", lambda: by.tiff(cut_out(rough("float32", 3)), extrasamples=["unassalpha"]), RGBA, 32, reader
        ),
        "tiff infrared marked as alpha": PictureFile(
            ".tif", lambda: by.tiff(rough("uint8", 4), extrasamples=["unassalpha"]), (*RGB, "band 4"), 8, reader
        ),
        "tiff two bands": PictureFile(".tif", lambda: by.tiff(rough("uint8", 2)), bands_of(2), 8, reader),
        "tiff five bands": PictureFile(
            ".tif", lambda: by.tiff(rough("uint16", 5), photometric="minisblack"), bands_of(5), 16, reader
        ),
        "tiff 40 bands in planes": PictureFile(
            ".tif",
            lambda: by.tiff(rough("float32", 40), photometric="minisblack", planarconfig="separate"),
            bands_of(40),
            32,
            reader,
        ),
    }


def _gdal_files() -> dict[str, PictureFile]:
    """As GDAL writes them, which other programs use; read back by it."""
    found = {}
    for bits in (1, 2, 4, 12):
        dtype = np.uint16 if bits > 8 else np.uint8
        write = lambda bits=bits, dtype=dtype: by.gdal(rough(dtype, 1, 2**bits - 1), NBITS=bits)  # noqa: E731
        found[f"gdal {bits} bits"] = PictureFile(".tif", write, GREY, bits, ("rasterio",))
    fax = {"NBITS": 1, "COMPRESS": "CCITTFAX4"}
    jpeg = {"COMPRESS": "JPEG", "PHOTOMETRIC": "YCBCR", "TILED": True, "BLOCKXSIZE": 16, "BLOCKYSIZE": 16}
    reader = ("rasterio",)
    return found | {
        "gdal fax": PictureFile(".tif", lambda: by.gdal(rough("uint8", 1, 1), **fax), GREY, 1, reader),
        "gdal YCbCr": PictureFile(".tif", lambda: by.gdal(smooth(3), **jpeg), RGB, 8, reader, near=8),
        "gdal three bands": PictureFile(".tif", lambda: by.gdal(rough("uint16", 3)), RGB, 16, reader),
        "gdal four bands of 8 bits": PictureFile(
            ".tif", lambda: by.gdal(rough("uint8", 4)), (*RGB, "band 4"), 8, reader
        ),
        "gdal four bands of 16 bits": PictureFile(".tif", lambda: by.gdal(rough("uint16", 4)), bands_of(4), 16, reader),
        "gdal no data": PictureFile(".tif", lambda: by.gdal(rough("int16"), nodata=-9999), GREY, 16, reader),
    }


def _other_files() -> dict[str, PictureFile]:
    lossless = {"lossless": True}
    j2k, avif = imagecodecs.jpeg2k_encode, imagecodecs.avif_encode
    fine = {"quality": 97, "subsampling": 0}
    return {
        "jpeg grey": PictureFile(".jpg", lambda: by.pillow(smooth(1), "JPEG", quality=97), GREY, 8, OTHERS, near=4),
        "jpeg colour": PictureFile(".jpg", lambda: by.pillow(smooth(3), "JPEG", **fine), RGB, 8, OTHERS, near=4),
        "jpeg progressive": PictureFile(
            ".jpg", lambda: by.pillow(smooth(3), "JPEG", progressive=True, **fine), RGB, 8, OTHERS, near=4
        ),
        "jpeg cmyk": PictureFile(
            ".jpg", lambda: by.pillow(smooth(3), "JPEG", "CMYK", **fine), RGB, 8, ("opencv",), near=5
        ),
        "jpeg grey of 12 bits": PictureFile(
            ".jpg",
            lambda: by.coded(imagecodecs.jpeg_encode, smooth(1, 4095, np.uint16), level=99, bitspersample=12),
            GREY,
            12,
            near=16,
        ),
        "jpeg without loss": PictureFile(
            ".jpg", lambda: by.coded(imagecodecs.ljpeg_encode, rough("uint16", 1, 4095), bitspersample=12), GREY, 12
        ),
        "mpo": PictureFile(".mpo", by.mpo, RGB, 8, ("opencv",), near=4),
        "webp": PictureFile(".webp", lambda: by.pillow(rough("uint8", 3), "WEBP", **lossless), RGB, 8, OTHERS),
        "webp alpha": PictureFile(
            ".webp", lambda: by.pillow(rough("uint8", 4), "WEBP", exact=True, **lossless), RGBA, 8, OTHERS
        ),
        "bmp": PictureFile(".bmp", lambda: by.pillow(rough("uint8", 3), "BMP"), RGB, 8, OTHERS),
        "bmp grey": PictureFile(".bmp", lambda: by.pillow(rough("uint8"), "BMP"), GREY, 8, ("opencv",)),
        "bmp palette": PictureFile(".bmp", lambda: by.pillow(rough("uint8"), "BMP", "P"), INDEX, 8, ("rasterio",)),
        "bmp 1 bit": PictureFile(".bmp", lambda: by.bilevel("BMP"), GREY, 1),
        "gif": PictureFile(
            ".gif", lambda: by.pillow(rough("uint8"), "GIF", "P", optimize=False), INDEX, 8, ("rasterio",)
        ),
        "gif of greys": PictureFile(
            ".gif", lambda: by.pillow(rough("uint8"), "GIF", optimize=False), INDEX, 8, ("rasterio",)
        ),
        "tga": PictureFile(".tga", lambda: by.pillow(rough("uint8", 3), "TGA"), RGB),
        "tga alpha, run lengths": PictureFile(
            ".tga", lambda: by.pillow(rough("uint8", 4), "TGA", compression="tga_rle"), RGBA
        ),
        "tga palette": PictureFile(".tga", lambda: by.pillow(rough("uint8"), "TGA", "P"), INDEX),
        "jpeg 2000": PictureFile(".jp2", lambda: by.pillow(rough("uint8", 3), "JPEG2000"), RGB, 8, OTHERS),
        "jpeg 2000 of 12 bits": PictureFile(
            ".jp2", lambda: by.coded(j2k, rough("uint16", 1, 4095), level=0, bitspersample=12), GREY, 12, OTHERS
        ),
        "jpeg 2000 of 16 bits": PictureFile(
            ".j2k", lambda: by.coded(j2k, rough("uint16", 3), level=0, codecformat="j2k"), RGB, 16, OTHERS
        ),
        "avif": PictureFile(".avif", lambda: by.coded(avif, rough("uint8", 3), level=100), RGB, 8),
        "avif of 10 bits": PictureFile(
            ".avif", lambda: by.coded(avif, rough("uint16", 3, 1023), level=100, bitspersample=10), RGB, 10
        ),
        "heic": PictureFile(".heic", lambda: by.heif(rough("uint8", 3), "RGB"), RGB, 8),
        "heic of 12 bits": PictureFile(".heic", lambda: by.heif(rough("uint16", 3, 4095), "RGB;12"), RGB, 12),
    }


def _array_files() -> dict[str, PictureFile]:
    found = {}
    for dtype in ("uint8", ">u2", "int16", "int64", "float16", "float32", ">f8"):
        bits = np.dtype(dtype).itemsize * 8
        write = lambda dtype=dtype: by.npy(rough(dtype))  # noqa: E731
        found[f"npy {dtype.replace('>', 'big-endian ')}"] = PictureFile(".npy", write, GREY, bits, ("numpy",))
    for kind, bits, channels in (
        (1, 1, 1),
        (2, 8, 1),
        (3, 8, 3),
        (4, 1, 1),
        (5, 2, 1),
        (5, 16, 1),
        (6, 8, 3),
        (6, 16, 3),
    ):
        dtype, largest = np.uint16 if bits > 8 else np.uint8, 2**bits - 1
        values = rough(dtype, channels, largest)
        write = lambda kind=kind, values=values, largest=largest: by.pnm(kind, values, largest)  # noqa: E731
        found[f"pnm {kind} of {bits} bits"] = PictureFile(".pnm", write, GREY if channels == 1 else RGB, bits)
    return found | {
        "npy booleans": PictureFile(".npy", lambda: by.npy(rough(bool)), GREY, 1, ("numpy",)),
        "npy colour": PictureFile(".npy", lambda: by.npy(rough("uint8", 3)), RGB, 8, ("numpy",)),
        "npy by columns": PictureFile(".npy", lambda: by.npy(rough("float32", 4), "F"), bands_of(4), 32, ("numpy",)),
    }


PICTURE_FILES = _png_files() | _tiff_files() | _gdal_files() | _other_files() | _array_files()
"""By a name in words."""
