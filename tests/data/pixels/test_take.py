"""Files of each depth and number of bands, written by other libraries, as data sets and runs take them."""

import io
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.take import shown, take

SHAPE = (11, 13)


def random(dtype: str, bands: int, low: float = 0, high: float = 256) -> np.ndarray:
    rng = np.random.default_rng(bands)
    drawn = rng.uniform(low, high, (*SHAPE, bands)).astype(dtype)
    return drawn[..., 0] if bands == 1 else drawn


def tiff(values: np.ndarray, **more: object) -> bytes:
    buffer = io.BytesIO()
    colors = values.ndim == 3 and values.shape[-1] >= 3
    settings = {"photometric": "rgb" if colors else "minisblack", "planarconfig": "contig", **more}
    if values.ndim == 2:
        del settings["planarconfig"]
    tifffile.imwrite(buffer, values, **settings)  # type: ignore[arg-type]
    return buffer.getvalue()


def png(values: np.ndarray, **more: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", **more)  # type: ignore[arg-type]
    return buffer.getvalue()


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def of(dtype: str, bands: int, **more: object) -> Intensities:
    names = ("grey",) if bands == 1 else ("red", "green", "blue", *(f"band {k}" for k in range(4, bands + 1)))[:bands]
    settings = {"low": (0.0,) * bands, "high": (3000.0,) * bands, **more}
    return Intensities(dtype, names, **settings)  # type: ignore[arg-type]


GREY, RGB = random("uint8", 1), random("uint8", 3)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (png(RGB), RGB),
        (png(GREY), np.dstack([GREY] * 3)),
        (tiff(RGB), RGB),
        (tiff(GREY), np.dstack([GREY] * 3)),
        (tiff(GREY, photometric="miniswhite"), np.dstack([255 - GREY] * 3)),
        (tiff(RGB, tile=(16, 16), compression="zlib"), RGB),
        (npy(RGB), RGB),
        (npy(GREY), np.dstack([GREY] * 3)),
    ],
    ids=["png", "grey png", "tiff", "grey tiff", "white is zero", "tiles", "npy", "grey npy"],
)
def test_pictures_of_8_bits_are_rgb(content: bytes, expected: np.ndarray) -> None:
    found = take(content, PLAIN)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_fewer_bits_reach_from_black_to_white(bits: int) -> None:
    values = np.arange(11 * 16).reshape(11, 16).astype(np.uint8) % 2**bits
    expected = np.dstack([np.rint(values.astype(np.float64) / (2**bits - 1) * 255)] * 3)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values.astype(bool) if bits == 1 else values, bitspersample=bits, photometric="minisblack")
    np.testing.assert_array_equal(take(buffer.getvalue(), PLAIN), expected)
    palette = Image.fromarray(values, "P")
    palette.putpalette([c for k in range(2**bits) for c in [round(k * 255 / (2**bits - 1))] * 3])
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", bits=bits)
    np.testing.assert_array_equal(take(buffer.getvalue(), PLAIN), expected)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "float32"])
@pytest.mark.parametrize("bands", [1, 2, 3, 5])
def test_each_depth_and_number_of_bands_is_taken_as_stored(dtype: str, bands: int) -> None:
    values = random(dtype, bands, -4000 if dtype[0] in "if" else 0, 30000)
    for content in (tiff(values), tiff(values, compression="zlib", predictor=True), npy(values)):
        found = take(content, of(dtype, bands))
        assert found.dtype == dtype and found.shape == (*SHAPE, bands)
        np.testing.assert_array_equal(found, values.reshape(*SHAPE, bands))


def test_16_bit_png_is_taken_as_stored() -> None:
    grey, colors = random("uint16", 1, 0, 65536), random("uint16", 3, 0, 65536)
    np.testing.assert_array_equal(take(imagecodecs.png_encode(grey), of("uint16", 1))[..., 0], grey)
    np.testing.assert_array_equal(take(imagecodecs.png_encode(colors), of("uint16", 3)), colors)


@pytest.mark.parametrize(("stored", "kept"), [("float64", "float32"), ("float16", "float32"), ("int64", "int32")])
def test_types_that_networks_do_not_have_become_others(stored: str, kept: str) -> None:
    values = random(stored, 2, -100, 100)
    np.testing.assert_array_equal(take(npy(values), of(kept, 2)), values.astype(kept))
    if stored == "int64":
        with pytest.raises(ValueError, match="has values beyond 2,147,483,647"):
            take(npy(values + 2**40), of(kept, 2))


def test_bands_are_chosen_in_any_order() -> None:
    values = random("uint16", 5, 0, 3000)
    chosen = of("uint16", 3, chosen=(5, 1, 2))
    np.testing.assert_array_equal(take(tiff(values), chosen), values[..., [4, 0, 1]])
    with pytest.raises(ValueError, match=r"has 3 bands \(red, green, blue\), and band 5 of each is taken here"):
        take(tiff(values[..., :3]), chosen)


@pytest.mark.parametrize(
    ("content", "intensities", "words"),
    [
        (tiff(random("uint16", 3)), PLAIN, "has 16-bit values, and this run was trained on 8-bit values .`casnet prep"),
        (tiff(random("float32", 3)), PLAIN, "has 32-bit floating-point values, and this run was trained on 8-bit"),
        (tiff(random("int16", 1)), PLAIN, "has 16-bit signed values, and"),
        (tiff(random("float32", 1)), of("uint16", 1), "has 32-bit floating-point values, and this run was"),
        (tiff(random("uint16", 1)), of("float32", 1), "has 16-bit values, and this run was trained on 32-bit floating"),
        (tiff(random("float64", 3)), PLAIN, "has 64-bit floating-point values, and this run was trained on 8-bit"),
        (tiff(random("uint64", 3)), PLAIN, "has 64-bit values, and this run was trained on 8-bit"),
        (tiff(random("uint8", 5)), PLAIN, "has 5 bands .* and this run was trained on 3 bands"),
        (tiff(random("uint16", 4), extrasamples=[0]), of("uint16", 3), "has 4 bands .red, green, blue, band 4., and"),
        (tiff(random("uint8", 4), extrasamples=[2]), PLAIN, "band 4.; band 4 is marked as alpha, but .*, and this run"),
        (tiff(random("uint16", 3)), of("uint16", 1), "has 3 bands .*, and this run was trained on 1 band"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words(content: bytes, intensities: Intensities, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        take(content, intensities)


def test_a_jpeg_of_12_bits_is_refused_by_a_run_of_8() -> None:
    values = random("uint16", 3, 0, 4096)
    content = imagecodecs.jpeg8_encode(values, level=95, bitspersample=12)
    with pytest.raises(ValueError, match="has 12-bit values, and this run was trained on 8-bit values"):
        take(content, PLAIN)
    assert take(content, of("uint16", 3)).max() > 2000


def test_pictures_of_8_bits_fill_the_range_of_a_deeper_run() -> None:
    for dtype in ("uint16", "float32"):
        deep = of(dtype, 3, low=(100.0, 0.0, 0.0), high=(3100.0, 1000.0, 4000.0))
        for content, pixels in ((png(RGB), RGB), (png(GREY), np.dstack([GREY] * 3))):
            found = take(content, deep)
            assert found.dtype == dtype
            np.testing.assert_allclose(deep.seen(found, (0, 0, 0)), pixels, atol=0.13)


def test_transparent_pixels_are_blended_with_white() -> None:
    colors, alpha = random("uint8", 3), np.where(random("uint8", 1) < 200, 255, 0).astype(np.uint8)
    alpha[3, :4] = 128
    alpha[0] = 255
    rgba = np.dstack([colors, alpha])
    share = alpha[..., None].astype(np.float64) / 255
    expected = colors * share + 255 * (1 - share)
    for content in (png(rgba), tiff(rgba, extrasamples=["unassalpha"])):
        np.testing.assert_allclose(take(content, PLAIN), expected, atol=1)
    multiplied = np.dstack([np.rint(colors * share).astype(np.uint8), alpha])
    np.testing.assert_allclose(take(tiff(multiplied, extrasamples=["assocalpha"]), PLAIN), expected, atol=1)
    deep = of("uint16", 3, high=(3000.0, 2000.0, 1000.0))
    values = np.dstack([random("uint16", 3, 0, 1000), alpha.astype(np.uint16) * 257])
    blended = values[..., :3] * share + np.array(deep.high) * (1 - share)
    np.testing.assert_allclose(take(tiff(values, extrasamples=["unassalpha"]), deep), blended, atol=1)


def test_infrared_marked_as_alpha_is_a_band() -> None:
    values = random("uint8", 4)
    with pytest.raises(ValueError, match="has 4 bands"):
        take(tiff(values, extrasamples=["unassalpha"]), PLAIN)
    four = of("uint8", 4, chosen=(1, 2, 3, 4), high=(255.0,) * 4)
    np.testing.assert_array_equal(take(tiff(values, extrasamples=["unassalpha"]), four), values)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_files_are_turned_by_their_tag(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown_upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(png(RGB, exif=exif)))))
    np.testing.assert_array_equal(take(png(RGB, exif=exif), PLAIN, oriented=True), shown_upright)
    np.testing.assert_array_equal(take(png(RGB, exif=exif), PLAIN), RGB)
    tagged = tiff(RGB.astype(np.uint16), extratags=[(274, "H", 1, orientation, True)])
    np.testing.assert_array_equal(take(tagged, of("uint16", 3), oriented=True), shown_upright)


def test_a_file_with_its_own_sign_for_no_data_gets_that_of_the_run() -> None:
    values = random("int16", 2, 0, 100)
    values[2, 3] = -1
    values[4, 5, 0] = -1
    content = tiff(values, extratags=[(42113, "s", 0, "-1", True)])
    found = take(content, of("int16", 2, nodata=-9999))
    assert (found == -9999).sum() == 2 and (found[2, 3] == -9999).all()
    assert (
        np.isnan(take(tiff(values.astype(np.float32), extratags=[(42113, "s", 0, "-1", True)]), of("float32", 2))).sum()
        == 2
    )


def test_people_are_shown_what_the_network_sees() -> None:
    values = random("uint16", 5, 0, 4000)
    expected = np.rint(np.clip(values.astype(np.float64) / 3000, 0, 1) * 255)
    np.testing.assert_allclose(shown(values, of("uint16", 5)), expected[..., :3], atol=1)
    two = values[..., :2]
    np.testing.assert_allclose(shown(two, of("uint16", 2)), np.dstack([expected[..., 0]] * 3), atol=1)
    assert shown(RGB, PLAIN) is RGB
    absent = replace(of("uint16", 1), nodata=7)
    assert (shown(np.full((2, 2, 1), 7, np.uint16), absent) == 128).all()


@pytest.mark.parametrize(
    "content", [b"", b"no picture", tiff(random("uint16", 3))[:300], npy(random("uint16", 2))[:200]]
)
def test_what_is_no_picture_raises_one_of_the_known_errors(content: bytes) -> None:
    from casnet_cli.data.images import UNREADABLE

    for intensities in (PLAIN, of("uint16", 3)):
        with pytest.raises(UNREADABLE):
            take(content, intensities)
