"""One's own samples: pictures of any format, what was not measured, masks of another size."""

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from helpers.cli import casnet
from helpers.deep_pictures import SHAPE, WORDS, folders, pictures, prepare, stored
from helpers.photographs import image, mask
from PIL import Image

from casnet_cli.data.images import decode_label
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.pixels.options import PictureOptions
from casnet_cli.data.pixels.survey import Survey
from casnet_cli.data.sources.folder import _load
from casnet_cli.data.sources.folder_sample import check_claim
from casnet_cli.data.store import Store
from casnet_cli.errors import Unfit
from casnet_cli.labels import VOID


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return folders(tmp_path)


TAG: dict[str, Any] = {"extratags": [(42113, "s", 0, "-9999", True)]}


@pytest.mark.parametrize(
    ("dtype", "value", "tagged", "words"),
    [
        ("int16", -9999, True, ()),
        ("int16", -9999, False, ("--nodata", "-9999")),
        ("float32", -9999, True, ()),
        ("float32", np.nan, False, ()),
        ("uint8", 0, False, ("--nodata", "0")),
    ],
)
def test_no_data_is_void_and_the_mean_colour(
    home: Path, dtype: str, value: float, tagged: bool, words: tuple[str, ...]
) -> None:
    values = pictures(home, dtype, 3, low=1, high=250)
    values[:, :5] = value
    values[:, 6, 7, 0] = value  # in one band alone: something was measured
    for name, one in zip("abc", values, strict=True):
        tifffile.imwrite(home / f"images/{name}.tif", one, photometric="rgb", **(TAG if tagged else {}))
    said = prepare(*words)
    store, found = stored()
    np.testing.assert_array_equal(found, values)
    labels = [np.asarray(decode_label(label.tobytes())) for label in store.file["train/label"]]
    for label in labels:
        assert (label[:5] == VOID).all() and (label[5:] != VOID).all()
    seen = store.intensities.seen(found[0], (1, 2, 3))
    np.testing.assert_array_equal(seen[:5], np.broadcast_to([1, 2, 3], (5, SHAPE[1], 3)))
    known = np.concatenate([store.intensities.seen(one, (0, 0, 0))[5:].reshape(-1, 3) for one in found])
    np.testing.assert_allclose(store.statistics()["color_mean"], known.mean(0, dtype=np.float64), rtol=1e-5)
    assert "3 files: 450 pixels (25.0 %) without data: void in labels, the mean colour in pictures" in said
    assert ("-9999 means no data (the tag of 3 of 3 pictures)" in said) == tagged
    if tagged:
        prepare("--nodata", "nan")
        assert (np.asarray(decode_label(stored()[0].file["train/label"][0].tobytes()))[1:5] != VOID).all()


@pytest.mark.filterwarnings("error")
def test_the_least_float_of_64_bits_means_no_data_in_32(home: Path) -> None:
    least = np.finfo(np.float64).min
    values = pictures(home, "float64", 1)
    values[:, :5] = least
    tag = {"extratags": [(42113, "s", 0, repr(float(least)), True)]}
    for name, one in zip("abc", values, strict=True):
        tifffile.imwrite(home / f"images/{name}.tif", one[..., 0], **tag)
    assert "(25.0 %) without data" in prepare()
    store, found = stored()
    np.testing.assert_array_equal(found[:, 5:], values[:, 5:].astype(np.float32))
    assert (store.intensities.seen(found[0], (9,))[:5] == 9).all() and store.intensities.low[0] >= 0


@pytest.mark.filterwarnings("error")
def test_infinite_values_are_the_ends_of_the_range_and_noted(home: Path) -> None:
    values = pictures(home, "float32", 3)
    values[0, 0, :2, 1] = np.inf, -np.inf
    for name, one in zip("abc", values, strict=True):
        tifffile.imwrite(home / f"images/{name}.tif", one, photometric="rgb")
    assert "1 file: 2 pixels (0.3 %) of infinite values: the ends of the range" in prepare()
    store, found = stored()
    assert np.isfinite(store.intensities.low + store.intensities.high).all()
    np.testing.assert_array_equal(store.intensities.seen(found[0], (9, 9, 9))[0, :2, 1], [255, 0])


def encoded(kind: str, values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    if kind == "npy":
        np.save(buffer, values)
        return buffer.getvalue()
    if kind == "jpg":
        return bytes(imagecodecs.jpeg8_encode(values, level=100, bitspersample=12))
    if kind == "jp2":
        return bytes(imagecodecs.jpeg2k_encode(values, level=0, bitspersample=12))
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(values)))


@pytest.mark.parametrize(
    ("kind", "alpha", "bits"),
    [("png", False, 16), ("png", True, 16), ("jpg", False, 12), ("jp2", False, 12), ("npy", False, 16)],
)
def test_other_formats_of_more_than_8_bits(home: Path, kind: str, alpha: bool, bits: int) -> None:
    flat = np.random.default_rng(0).uniform(1000, 3000, (3, 1, 1, 3)).astype(np.uint16)  # JPEG keeps what is flat
    values = np.broadcast_to(flat, (3, *SHAPE, 3))
    opacity = np.full((3, *SHAPE, 1), 65535, np.uint16)
    opacity[:, :5] = 0
    for name, one in zip("abc", np.concatenate([values, opacity], -1), strict=True):
        (home / f"images/{name}.{kind}").write_bytes(encoded(kind, one if alpha else one[..., :3].copy()))
    said = prepare("--range", "dtype")
    store, found = stored()
    assert f"pictures of {bits} bits, 3 bands" in said and store.intensities.high == (2.0**bits - 1,) * 3
    np.testing.assert_allclose(found[:, 5:].astype(int), values[:, 5:], atol=4 if kind == "jpg" else 0)
    if alpha:
        assert (found[:, :5] == 65535).all()
        prepare("--range", "auto")
        assert Store(Path("data/mine.h5")).intensities.high[0] <= values.max()


def test_two_values_for_no_data_are_asked_about(home: Path) -> None:
    values = pictures(home, "int16", 1, **TAG)
    tifffile.imwrite(home / "images/b.tif", values[1, ..., 0], extratags=[(42113, "s", 0, "0", True)])
    assert "images/a.tif: -9999 means no data there, but images/b.tif: 0 (--nodata V names one value" in prepare(code=2)
    assert prepare("--nodata", "-9999")


@pytest.mark.parametrize(("width", "height"), [(15, 10), (60, 40), (45, 30), (13, 9)])
def test_masks_of_one_factor_are_resized_on_request(home: Path, width: int, height: int) -> None:
    for name in "abc":
        image(home / f"images/{name}.png", *SHAPE[::-1])
    mask(home / "masks/b.png", width, height)
    for verb, code in (("prepare", 2), ("check", 1)):
        output = casnet(verb, *WORDS, code=code)
        assert f"b.png: labels {width}x{height} pixels, but images/b.png has 30x20: " in output
        assert f"{width / 30:.3g} times its size (--resize-masks fits such masks" in output
    said = prepare("--resize-masks")
    assert "1 file: mask resized to the picture, by the nearest pixel (--resize-masks)" in said
    found = np.asarray(decode_label(Store(Path("data/mine.h5")).file["train/label"][1].tobytes()))
    small = np.asarray(Image.open(home / "masks/b.png"))
    rows = np.floor((np.arange(20) + 0.5) * height / 20).astype(int)
    columns = np.floor((np.arange(30) + 0.5) * width / 30).astype(int)
    np.testing.assert_array_equal(found, small[rows][:, columns])


def test_masks_of_another_shape_are_no_matter_of_size(home: Path) -> None:
    for name in "abc":
        image(home / f"images/{name}.png", *SHAPE[::-1])
    mask(home / "masks/b.png", 30, 15)
    assert "b.png: labels 30x15 pixels, but images/b.png has 30x20 (label and image must have" in prepare(
        "--resize-masks", code=2
    )
    mask(home / "masks/b.png", 20, 30)
    assert "turned by a quarter" in casnet("check", *WORDS, "--resize-masks", code=1)


def test_turned_pictures_are_found_by_small_masks(home: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in "abc":
        image(home / f"images/{name}.jpg", SHAPE[1], SHAPE[0], exif=exif)
    mask(home / "masks/a.png", 10, 15)
    mask(home / "masks/b.png", 15, 10)
    assert "2 files: mask resized" in prepare("--resize-masks")
    opened = Store(Path("data/mine.h5"))
    sizes = [Image.open(io.BytesIO(content.tobytes())).size for content in opened.file["train/image"]]
    assert sizes == [(20, 30), (30, 20), (30, 20)]


def test_pictures_that_cannot_be_read_are_findings(home: Path) -> None:
    pictures(home, "uint16", 3)
    whole = (home / "images/b.tif").read_bytes()
    (home / "images/b.tif").write_bytes(whole[:500])
    (home / "images/c.tif").write_bytes(b"")
    output = casnet("check", *WORDS, code=1)
    assert "images/b.tif" in output and "images/c.tif" in output and "pictures of 16 bits" in output
    assert "images/b.tif: not a readable image" in prepare(code=2)


@pytest.mark.parametrize("width", [40, 29])
def test_a_label_that_claims_too_much_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("casnet_cli.data.sources.folder_sample.SMALL", 100)
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    Image.new("L", (width, 20)).save(tmp_path / "m.png")
    survey = Survey(PictureOptions(), [tmp_path / "a.png"], [tmp_path / "a.png"])

    def never(pair: FilePair) -> np.ndarray:
        raise AssertionError("made")

    words = "2 times its size .--resize-masks" if width == 40 else "label and image must have the same size"
    with pytest.raises(Unfit, match=rf"m\.png: labels {width}x20 pixels, but .*a\.png has 20x10.*{words}"):
        _load(FilePair("a", tmp_path / "a.png", tmp_path / "m.png"), never, survey)
    with pytest.raises(Unfit, match=r"a\.json: labels 999x999 pixels"):
        check_claim(tmp_path / "a.png", tmp_path / "a.json", (999, 999), resize=True)
    check_claim(tmp_path / "a.png", tmp_path / "m.png", (40, 20), resize=True)
