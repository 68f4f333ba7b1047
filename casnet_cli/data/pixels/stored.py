"""Pixels as a prepared file keeps them: JPEG and PNG of 8 bits as they were found, all others losslessly as TIFF."""

import io

import numpy as np

from casnet_cli.data.images import UNREADABLE, as_array, decode_rgb
from casnet_cli.data.intensities import Intensities
from casnet_cli.data.limits import MAX_PIXELS
from casnet_cli.errors import reason


def encode_pixels(pixels: np.ndarray) -> bytes:
    """(H, W, N) of any type as TIFF, compressed without loss."""
    import tifffile  # late: most data sets need none of it

    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, pixels[..., 0] if pixels.shape[-1] == 1 else pixels, photometric="minisblack",
        planarconfig="contig" if pixels.shape[-1] > 1 else None, compression="zlib", predictor=True,
        metadata=None, software=False, maxworkers=1,
    )  # fmt: skip
    return buffer.getvalue()


def decode_pixels(content: bytes, intensities: Intensities) -> np.ndarray:
    """(H, W, N) of `intensities.dtype`: a stored image. Raises one of `images.UNREADABLE` if it is damaged."""
    if intensities.rgb:
        return as_array(decode_rgb(io.BytesIO(content)))
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = file.pages.first
            shape = (page.imagelength, page.imagewidth, len(intensities.bands))
            if page.dtype != intensities.dtype or page.samplesperpixel != shape[-1]:
                raise ValueError(f"holds {page.samplesperpixel} bands of {page.dtype}")
            if shape[0] * shape[1] > MAX_PIXELS:
                raise ValueError(f"claims {shape[1]}x{shape[0]} pixels")
            return page.asarray(maxworkers=1).reshape(shape)
    except (*UNREADABLE, MemoryError):
        raise
    except Exception as error:  # of tifffile and its codecs
        raise ValueError(reason(error)) from error
