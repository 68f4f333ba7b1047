"""What is said of a picture beside its values: decisions, pages, place on the earth, profile; and bad files."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers import picture_writers as by
from helpers.picture_writers import cut_out, rough
from PIL import Image

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.pixels.read import info_of, read


def tiff(values: np.ndarray, **options: object) -> bytes:
    return by.tiff(values, **options).content


def test_a_channel_is_alpha_only_where_tag_and_content_say_so() -> None:
    marked = {"extrasamples": ["unassalpha"]}
    alpha = read(tiff(cut_out(rough("uint8", 3)), **marked)).info
    assert alpha.bands[3] == "alpha" and "band 4 is alpha" in alpha.notes[0]
    infrared = read(tiff(rough("uint8", 4), **marked)).info
    assert infrared.bands[3] == "band 4" and "taken for a further band" in infrared.notes[0]
    assert read(tiff(cut_out(rough("uint8", 3)), extrasamples=["unspecified"])).info.bands[3] == "band 4"
    few = np.concatenate([rough("uint8", 3), np.full((18, 24, 1), 120, np.uint8)], axis=-1)
    assert read(tiff(few, **marked)).info.bands[3] == "band 4"


def test_pages_orientation_and_brightness_are_said() -> None:
    assert info_of(by.tiff_pages().content).pages == 3
    assert info_of(by.tiff_pyramid().content).pages == 1
    assert info_of(by.mpo().content).pages == 2
    assert info_of(tiff(rough("uint8"), photometric="miniswhite")).inverted
    turned = tiff(rough("uint8", 3), extratags=[(274, 3, 1, 6, True)])
    assert info_of(turned).orientation == 6
    exif = Image.Exif()
    exif[0x0112] = 8
    for kind in ("JPEG", "PNG", "WEBP"):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 6)).save(buffer, kind, exif=exif)
        assert info_of(buffer.getvalue()).orientation == 8


def test_facts_of_a_png_are_read_without_its_pixels() -> None:
    content = by.png(8, 2).content
    broken = content.replace(content[content.index(b"IDAT") + 4 :][:8], b"\0" * 8)
    assert info_of(broken).size == (24, 18)
    with pytest.raises(UNREADABLE):
        read(broken)


@pytest.mark.parametrize("code", [32632, 4326])
@pytest.mark.parametrize("point", [False, True])
def test_place_on_the_earth_names_of_bands_and_no_data_are_as_rasterio_reads_them(
    tmp_path: Path, code: int, point: bool
) -> None:
    rasterio = pytest.importorskip("rasterio")
    file = tmp_path / "a.tif"
    shape = {"width": 24, "height": 18, "count": 4, "dtype": "uint16", "nodata": 7}
    upright, turned = (0.25, 0, 500_000.5, 0, -0.5, 5_400_000), (1, 0.1, 5, 0.2, -1, 50)
    place = rasterio.Affine(*(upright if code > 9999 else turned))
    with rasterio.open(file, "w", driver="GTiff", crs=f"EPSG:{code}", transform=place, **shape) as out:
        out.write(rough("uint16", 4).transpose(2, 0, 1))
        out.set_band_description(4, "nir")
        if point:
            out.update_tags(AREA_OR_POINT="Point")
    with rasterio.open(file) as expected:
        found = read(file).info
        assert found.georeference is not None
        assert found.georeference.transform == pytest.approx(expected.transform[:6])
        assert found.georeference.crs == expected.crs.to_string()
        assert found.nodata == expected.nodata
        assert found.bands == ("band 1", "band 2", "band 3", "nir")


def test_names_that_name_colours_and_twins(tmp_path: Path) -> None:
    xml = "<GDALMetadata>{}</GDALMetadata>"
    item = '<Item name="DESCRIPTION" sample="{}" role="description">{}</Item>'
    named = xml.format("".join(item.format(at, name) for at, name in enumerate(("Blue", "Green", "Red", "x", "x"))))
    content = tiff(rough("uint8", 5), photometric="minisblack", extratags=[(42112, 2, 0, named, True)])
    assert info_of(content).bands == ("blue", "green", "red", "x", "band 5")
    three = info_of(tiff(rough("uint16", 3), photometric="minisblack"))
    assert three.bands == ("red", "green", "blue") and "no names" in three.notes[0]


def test_cmyk_is_said() -> None:
    values = by.smooth(4)
    found = read(tiff(values, photometric="separated"))
    inks = values.astype(float) / 255
    expected = 255 * (1 - inks[..., :3]) * (1 - inks[..., 3:])
    assert found.info.bands == ("red", "green", "blue") and "CMYK" in found.info.notes[0]
    assert np.abs(found.values - expected).max() <= 1.5


def test_cielab_is_not_taken_for_red_green_and_blue() -> None:
    found = read(tiff(rough("uint8", 3), photometric="cielab"))
    assert found.info.bands == ("lightness", "a", "b") and "CIELAB" in found.info.notes[0]
    assert (found.values == rough("uint8", 3)).all()


def huge_png() -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", 2**30, 2**30, 8, 2, 0, 0, 0)
    return by.png(8, 2).content[:12] + header + struct.pack(">I", zlib.crc32(header)) + by.png(8, 2).content[33:]


def huge_npy() -> bytes:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (999999, 999999), }"
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header


def damaged_npy() -> bytes:
    return b"\x93NUMPY\x02\0" + (2**31).to_bytes(4, "little")


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[{}]], object), allow_pickle=True)
    return buffer.getvalue()


def saved(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def huge_tiff() -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(np.zeros((16, 16), np.uint8), metadata=None)
    content = buffer.getvalue()
    for tag in (256, 257):  # width and height
        at = content.index(struct.pack("<HHI", tag, 4, 1))
        content = content[: at + 8] + struct.pack("<I", 10**6) + content[at + 12 :]
    return content


BAD = {
    "empty": (b"", "the file is empty"),
    "no picture": (b"hello, world" * 9, "cannot identify"),
    "huge PNG": (huge_png(), "more than 500 million pixels"),
    "huge TIFF": (huge_tiff(), "million pixels"),
    "huge array": (huge_npy(), "million pixels"),
    "damaged array": (damaged_npy(), "header is damaged"),
    "objects": (pickled(), "no array of numbers"),
    "text array": (saved(np.array([["a"]])), "no array of numbers|values of type"),
    "complex array": (saved(np.ones((2, 2), complex)), "values of type complex128"),
    "one side": (saved(np.ones(5)), r"shape \(5,\)"),
    "channels first": (saved(np.ones((3, 80, 90))), "bands come last"),
    "complex TIFF": (tiff(np.ones((18, 24, 1), np.complex64)), "values of 64 bits"),
    "pnm of nothing": (b"P5\n0 0\n255\n", "0x0 pixels"),
    "pnm above its largest": (b"P5 1 1 3\n\x09", "largest"),
    "pnm without numbers": (b"P5 x", "header is damaged"),
    "heic alone": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "."),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_bad_files_are_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(UNREADABLE, match=words):
        read(content)


@pytest.mark.parametrize("kind", ["tiff", "zlib", "png", "jpeg 12", "npy", "pnm", "jp2", "avif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(kind: str, share: float) -> None:
    import imagecodecs

    content = {
        "tiff": lambda: tiff(rough("uint16", 3)),
        "zlib": lambda: tiff(rough("uint16", 3), compression="zlib"),
        "png": lambda: by.png(16, 2).content,
        "jpeg 12": lambda: imagecodecs.jpeg_encode(by.smooth(1, 4095, np.uint16), bitspersample=12),
        "npy": lambda: by.npy(rough("uint16", 3)).content,
        "pnm": lambda: by.pnm(6, rough("uint8", 3), 255).content,
        "jp2": lambda: imagecodecs.jpeg2k_encode(rough("uint16", 3), level=0),
        "avif": lambda: imagecodecs.avif_encode(rough("uint16", 3, 1023), level=100, bitspersample=10),
    }[kind]()
    with pytest.raises(UNREADABLE):
        read(content[: int(len(content) * share)])


def test_files_that_are_not_there_or_not_allowed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        info_of(tmp_path / "none.png")
    with pytest.raises(IsADirectoryError):
        read(tmp_path)


def test_arrays_are_read_on_many_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    content = by.npy(rough("float32", 3)).content
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(content).values.sum(), range(400)))
    assert len(set(found)) == 1
