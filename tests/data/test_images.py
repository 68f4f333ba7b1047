import contextlib
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import casnet_cli
from casnet_cli.data.images import UNREADABLE, decode_label, decode_rgb, encode_label, size_of
from casnet_cli.data.pixels.read import info_of, read

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def stored(image: Image.Image, kind: str, **options: object) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    buffer.seek(0)
    return buffer


def test_grey_palette_and_transparent_images_become_rgb() -> None:
    grey = Image.fromarray(RGB[..., 0])
    np.testing.assert_array_equal(np.asarray(decode_rgb(stored(grey, "PNG"))), np.repeat(RGB[..., :1], 3, 2))
    palette = grey.convert("P")
    assert decode_rgb(stored(palette, "PNG")).mode == "RGB"
    rgba = np.dstack([RGB, np.full((6, 9), 255, np.uint8)])
    rgba[0, 0] = (9, 9, 9, 0)
    found = np.asarray(decode_rgb(stored(Image.fromarray(rgba), "PNG")))
    np.testing.assert_array_equal(found[1:], RGB[1:])
    assert (found[0, 0] == 255).all()


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    wide = np.linspace(0, 65535, 54).reshape(6, 9).astype(np.uint16)
    found = np.asarray(decode_rgb(stored(Image.fromarray(wide), "PNG")))
    np.testing.assert_array_equal(found[..., 0], np.rint(wide / 257))


def test_wide_values_are_read_in_strips_and_what_is_no_number_is_black() -> None:
    wide = np.linspace(0, 65535, 1200 * 1000).reshape(1200, 1000)
    found = np.asarray(decode_rgb(stored(Image.fromarray(wide.astype(np.uint16)), "PNG")))
    np.testing.assert_array_equal(found[..., 1], np.rint(wide.astype(np.uint16) / 257))
    odd = np.array([[0.0, 0.5, np.nan, np.inf, -np.inf, 1.0]], np.float32)
    assert np.asarray(decode_rgb(stored(Image.fromarray(odd), "TIFF")))[0, :, 0].tolist() == [0, 128, 0, 0, 0, 255]


def test_cmyk_jpeg() -> None:
    assert decode_rgb(stored(Image.fromarray(RGB).convert("CMYK"), "JPEG")).size == (9, 6)


@pytest.mark.parametrize(("tag", "size"), [(1, (9, 6)), (3, (9, 6)), (6, (6, 9)), (8, (6, 9))])
def test_exif_rotation_only_as_an_option(tag: int, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = tag
    data = stored(Image.fromarray(RGB), "PNG", exif=exif).getvalue()
    assert decode_rgb(io.BytesIO(data)).size == (9, 6)
    turned = decode_rgb(io.BytesIO(data), oriented=True)
    assert turned.size == size
    expected = {1: RGB, 3: RGB[::-1, ::-1], 6: np.rot90(RGB, -1), 8: np.rot90(RGB)}[tag]
    np.testing.assert_array_equal(np.asarray(turned), expected)


@pytest.mark.parametrize("data", [b"", b"text", stored(Image.fromarray(RGB), "PNG").getvalue()[:60]])
def test_broken_images_raise_what_is_caught(data: bytes) -> None:
    with pytest.raises(UNREADABLE):
        decode_rgb(io.BytesIO(data))


CONFUSED = [RuntimeError, NotImplementedError, AttributeError, KeyError, ZeroDivisionError]


@pytest.mark.parametrize("error", [*CONFUSED, MemoryError, SystemError, RecursionError, struct.error])
def test_so_does_whatever_else_a_reader_of_pillow_says(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def confused(file: object, formats: object) -> Image.Image:
        raise error("of a plugin")

    monkeypatch.setattr(Image, "open", confused)
    for reader in (decode_rgb, size_of):
        words = {MemoryError: "more memory than there is", RecursionError: "nested too deeply"}
        with pytest.raises(UNREADABLE, match=words.get(error, "of a plugin")):
            reader(stored(Image.fromarray(RGB), "PNG"))


UNPROMISED = ("EPS", "ICO", "PCX", "SGI", "MSP", "XBM", "DDS", "QOI")


@pytest.mark.parametrize("kind", UNPROMISED)
def test_formats_that_are_not_promised_are_not_read(kind: str) -> None:
    data = stored(Image.fromarray(RGB).convert("1" if kind in ("MSP", "XBM") else "RGB"), kind).getvalue()
    assert Image.open(io.BytesIO(data)).format == kind
    for reader in (decode_rgb, size_of, lambda file: read(file.read()), lambda file: info_of(file.read())):
        with pytest.raises(UNREADABLE, match="cannot identify"):
            reader(io.BytesIO(data))


def test_no_program_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    Image.init()
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    data = stored(Image.fromarray(RGB), "EPS").getvalue()
    for name in ("a.tga", "a.png"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UNREADABLE):
            read(tmp_path / name)
    with pytest.raises(UNREADABLE):
        decode_rgb(io.BytesIO(data))
    assert not (tmp_path / "started").exists()
    with contextlib.suppress(OSError):
        Image.open(io.BytesIO(data)).load()
    assert (tmp_path / "started").exists(), "Pillow by itself starts it"


def test_pillow_opens_files_in_one_place() -> None:
    package = Path(casnet_cli.__file__).parent
    assert {file.name for file in package.rglob("*.py") if "Image.open(" in file.read_text()} == {"images.py"}


def test_a_claim_of_absurd_size_is_refused_before_decoding(tmp_path: Path) -> None:
    data = bytearray(stored(Image.fromarray(RGB), "PNG").getvalue())
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    with pytest.raises(UNREADABLE, match="more than 500 million pixels"):
        decode_rgb(io.BytesIO(bytes(data)))


def test_labels_survive_their_png() -> None:
    label = np.random.default_rng(0).integers(0, 256, (7, 5), np.uint8)
    np.testing.assert_array_equal(np.asarray(decode_label(encode_label(label))), label)
