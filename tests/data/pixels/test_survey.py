"""One's own pictures of any depth and number of bands: what is stored, what the network sees, and what is said."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from helpers.cli import casnet
from helpers.deep_pictures import SHAPE, WORDS, folders, percentiles, pictures, prepare, seen_by_hand, stored
from helpers.photographs import image
from PIL import Image, ImageCms

from casnet_cli.data.intensities import PLAIN
from casnet_cli.data.store import Store


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return folders(tmp_path)


TABLE_OF_KINDS = [
    (dtype, bands, text)
    for dtype in ("uint8", "uint16", "int16", "uint32", "float32")
    for bands in (1, 2, 3, 4, 6)
    for text in (None, "dtype", "100:2500")
]


@pytest.mark.parametrize(("dtype", "bands", "text"), TABLE_OF_KINDS)
def test_each_depth_and_number_of_bands(home: Path, dtype: str, bands: int, text: str | None) -> None:
    """Stored values are those of the file; seen ones are computed here in float64."""
    values = pictures(home, dtype, bands, high=250 if dtype == "uint8" else 3000)
    words = ("--bands", ",".join(map(str, range(1, bands + 1)))) if bands > 3 else ()
    said = prepare(*words, *(("--range", text) if text else ()))
    store, found = stored()
    grey = dtype == "uint8" and bands == 1
    expected = np.repeat(values, 3, axis=-1) if grey else values
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    if text == "100:2500":
        low, high = np.full(bands, 100), np.full(bands, 2500)
    elif text == "dtype" or dtype == "uint8":
        ends = {"uint8": (0, 255), "uint16": (0, 65535), "int16": (-32768, 32767), "uint32": (0, 2**32 - 1)}
        low, high = (np.full(bands, end) for end in ends.get(dtype, (0, 1)))
    else:
        low, high = percentiles(values)
    seen = [store.intensities.seen(one, (0.0,) * found.shape[-1]) for one in found]
    np.testing.assert_allclose(seen, seen_by_hand(expected, low, high), atol=2e-3)
    plain = dtype == "uint8" and bands in (1, 3) and text != "100:2500"
    assert store.intensities.plain == plain
    assert ("pictures of " in said) != plain
    if dtype == "uint16" and text is None:
        assert f"pictures of 16 bits, {bands} band" in said and "255 (--range auto)" in said
    mean = np.mean(seen, axis=(0, 1, 2), dtype=np.float64)
    np.testing.assert_allclose(store.statistics()["color_mean"], mean, rtol=1e-4)


def test_bands_are_chosen_by_number_and_by_name(home: Path) -> None:
    values = pictures(home, "uint16", 4, extrasamples=["unspecified"])
    prepare("--bands", "4,1")
    store, found = stored()
    np.testing.assert_array_equal(found, values[..., [3, 0]])
    assert store.intensities.chosen == (4, 1) and store.intensities.bands == ("band 4", "red")
    prepare("--bands", "Blue, band 4")
    np.testing.assert_array_equal(stored()[1], values[..., [2, 3]])


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        ("1,5", "--bands 1,5: no band 5 (images/a.tif has 1 red, 2 green, 3 blue, 4 band 4)"),
        ("0", "--bands 0: no band 0 "),
        ("1,1", "--bands 1,1: band 1 is named twice"),
        ("red,swir", "--bands red,swir: no band swir "),
        ("", "--bands : no band  "),
    ],
)
def test_bands_that_are_not_there(home: Path, bands: str, words: str) -> None:
    pictures(home, "uint16", 4, extrasamples=["unspecified"])
    assert words in prepare("--bands", bands, code=2)


def test_more_than_three_bands_are_listed_and_infrared_is_no_transparency(home: Path) -> None:
    values = pictures(home, "uint8", 4, high=256, extrasamples=["unassalpha"])
    for verb in ("prepare", "check"):
        output = casnet(verb, *WORDS, code=2)
        assert "images/a.tif: has 4 bands: 1 red, 2 green, 3 blue, 4 band 4; band 4 is marked as alpha" in output
        assert "choose by --bands, three as in 1,2,3, or all by 1,2,3,4" in output
    said = prepare("--bands", "1,2,3")
    assert said.count("marked as alpha") == 1 and "images/a.tif and 2 others: band 4" in said
    np.testing.assert_array_equal(stored()[1], values[..., :3])


def test_a_channel_that_is_marked_as_alpha_is_said_once(home: Path) -> None:
    for number, name in enumerate("abc"):
        values = np.random.default_rng(number).integers(0, 256, (*SHAPE, 4), np.uint8)
        Image.fromarray(values).save(home / "images" / f"{name}.png")
    note = "a.png and 2 others: a channel is marked as alpha: laid on white where transparent"
    assert prepare().count(note) == 1
    assert "marked as alpha" not in prepare("--bands", "1,2,3,4")


def test_pictures_of_two_depths_or_numbers_of_bands_are_refused_by_name(home: Path) -> None:
    pictures(home, "uint16", 3)
    image(home / "images/b.tif", SHAPE[1], SHAPE[0])
    for verb in ("prepare", "check"):
        output = casnet(verb, *WORDS, code=2)
        assert "images/b.tif: 8-bit values, 3 bands (red, green, blue), but images/a.tif: 16-bit values, 3" in output
    tifffile.imwrite(home / "images/b.tif", np.zeros(SHAPE, np.uint16))
    assert "images/b.tif: 16-bit values, 1 band (grey), but images/a.tif: 16-bit values, 3" in prepare(code=2)


def named(*names: str) -> dict[str, Any]:
    """Settings of tifffile for GDAL's names of bands."""
    items = "".join(
        f'<Item name="DESCRIPTION" sample="{at}" role="description">{name}</Item>' for at, name in enumerate(names)
    )
    return {"extratags": [(42112, "s", 0, f"<GDALMetadata>{items}</GDALMetadata>", True)], "photometric": "minisblack"}


def test_bands_have_names_and_one_order(home: Path) -> None:
    values = pictures(home, "uint16", 3, **named("B04", "B03", "B08"))
    prepare()
    assert Store(Path("data/mine.h5")).intensities.bands == ("B04", "B03", "B08")
    prepare("--bands", "b08,B04")
    np.testing.assert_array_equal(stored()[1], values[..., [2, 0]])
    tifffile.imwrite(home / "images/b.tif", values[1], planarconfig="contig", **named("B08", "B03", "B04"))
    words = "images/b.tif: 3 bands (B08, B03, B04), but images/a.tif: 3 bands (B04, B03, B08) ("
    for more in ((), ("--bands", "B08")):
        assert words in prepare(*more, code=2)
    prepare("--bands", "1,3")
    np.testing.assert_array_equal(stored()[1], values[..., [0, 2]])


def test_grey_and_colour_of_8_bits_are_one_set(home: Path) -> None:
    for name, mode in zip("abc", ("L", "RGB", "P"), strict=True):
        Image.fromarray(np.full((*SHAPE, 3), 51, np.uint8)).convert(mode).save(home / f"images/{name}.png")
    assert "pictures of" not in prepare()
    store, found = stored()
    assert store.intensities == PLAIN and (found == 51).all()
    for name, group in zip("abc", store.file["train/image"], strict=True):
        assert group.tobytes() == (home / f"images/{name}.png").read_bytes()


def test_a_range_of_pictures_of_8_bits_leaves_their_files_as_they_are(home: Path) -> None:
    for name in "abc":
        image(home / f"images/{name}.jpg", SHAPE[1], SHAPE[0])
    assert "pictures of 8 bits, 3 bands (red, green, blue): 20..90 becomes 0..255 (--range 20:90)" in prepare(
        "--range", "20:90"
    )
    store, found = stored()
    assert store.file["train/image"][0].tobytes() == (home / "images/a.jpg").read_bytes()
    expected = seen_by_hand(np.asarray(Image.open(home / "images/a.jpg")), np.full(3, 20), np.full(3, 90))
    np.testing.assert_allclose(store.intensities.seen(found[0], (0, 0, 0)), expected, atol=1e-3)


def test_a_range_is_measured_on_training_pictures_alone(home: Path) -> None:
    values = pictures(home, "uint16", 1)
    for kind, ending in (("images", "tif"), ("masks", "png")):
        for name in "abc":
            target = home / kind / ("val" if name == "c" else "train") / f"{name}.{ending}"
            target.parent.mkdir(exist_ok=True)
            (home / kind / f"{name}.{ending}").rename(target)
    tifffile.imwrite(home / "images/val/c.tif", (values[2, ..., 0] * 3).astype(np.uint16))
    prepare()
    low, high = percentiles(values[:2])
    intensities = Store(Path("data/mine.h5")).intensities
    assert (intensities.low, intensities.high) == (tuple(low), tuple(high))


def test_pages_and_a_value_that_stands_alone_are_said(home: Path) -> None:
    for name in "abc":
        pages = np.random.default_rng(0).uniform(0, 500, (5, *SHAPE)).astype(np.float32)
        pages[:, 0] = -32768
        tifffile.imwrite(home / f"images/{name}.tif", pages, photometric="minisblack")
    said = prepare()
    assert "images/a.tif has 5 pages: the first one is read, as of 2 other pictures" in said
    assert "-32768, 5 % of the values, stands far from all others and is left out of the range" in said
    assert "--nodata -32768" in said and Store(Path("data/mine.h5")).intensities.low[0] > 0


def test_a_colour_profile_of_deep_pictures_is_left_aside_and_said(home: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    values = pictures(home, "uint16", 3, iccprofile=profile)
    assert "images/a.tif and 2 others: its colour profile, " in prepare()
    np.testing.assert_array_equal(stored()[1], values)


def test_check_says_depth_bands_and_range_and_shows_what_the_network_sees(home: Path) -> None:
    pictures(home, "uint16", 4, low=1000, high=1200, extrasamples=["unspecified"])
    words = (*WORDS, "--bands", "1,2,3,4", "--range", "1000:1200")
    output = casnet("check", *words, "--out", "page")
    assert "pictures of 16 bits, 4 bands (red, green, blue, band 4): 1000..1200 becomes 0..255" in output
    page = (home / "page/check.html").read_text(encoding="utf-8")
    assert "1000..1200 becomes 0..255" in page and "data:image/jpeg" in page
    record = json.loads(casnet("check", *words, "--json", "-"))
    assert record["intensities"]["low"] == [1000] * 4 and record["intensities"]["chosen"] == [1, 2, 3, 4]
    assert len(record["remarks"]) == 1
    casnet("prepare", *words, "--name", "mine")
    assert "1000..1200 becomes 0..255" in casnet("check", "data/mine.h5")
    assert "pictures: 16 bits, 4 bands (red, green, blue, band 4): 1000..1200" in casnet("info", "data/mine.h5")


def test_copies_are_found_by_what_the_network_sees(home: Path) -> None:
    smooth = np.linspace(1000, 1200, SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    for name, values in zip("abc", (smooth, smooth + 3, smooth[::-1]), strict=True):
        tifffile.imwrite(home / f"images/{name}.tif", values.astype(np.uint16))
    output = casnet("check", *WORDS, "--range", "1000:1200", "--json", "-", code=0)
    kinds = {finding["kind"]: finding["examples"] for finding in json.loads(output)["findings"]}
    assert kinds["copies"] == ["images/a.tif = images/b.tif"]


def test_another_range_is_a_change_and_the_same_one_is_none(home: Path) -> None:
    pictures(home, "uint16", 3)
    assert "up to date" not in prepare("--range", "0:2000")
    first = Store(Path("data/mine.h5")).content_sha256
    assert "up to date" in prepare("--range", "0:2000")
    for words in (("--range", "0:2001"), ("--range", "0:2001", "--nodata", "5"), ("--bands", "1,2")):
        assert "up to date" not in prepare(*words)
        assert Store(Path("data/mine.h5")).content_sha256 != first


def test_a_folder_prepared_in_version_1_is_prepared_again(home: Path) -> None:
    """Version 1 had pictures of more bits made 8-bit ones."""
    pictures(home, "uint16", 3)
    prepare()
    with h5py.File("data/mine.h5", "r+") as file:
        file.attrs["version"] = 1
        del file.attrs["intensities"]
    assert "up to date" not in prepare()
    assert Store(Path("data/mine.h5")).intensities.dtype == "uint16"


@pytest.mark.parametrize("text", ["5", "9:3", "auto:5", "0:1,0:2"])
def test_ranges_that_are_none(home: Path, text: str) -> None:
    pictures(home, "uint16", 3)
    assert f"--range {text}: " in prepare("--range", text, code=2)


def test_options_of_pictures_are_for_ones_own_data(home: Path) -> None:
    assert "camvid: --images, --masks and their like are" in casnet("prepare", "camvid", "--range", "auto", code=2)
