"""The reader of CamVid, on tiny files in the common layout."""

from pathlib import Path

import numpy as np
import pytest
from helpers.raw_data import fails, listing, write_image
from PIL import Image

from casnet_cli.data.preparation import check_complete
from casnet_cli.data.sources import camvid


@pytest.fixture
def street(tmp_path):
    folder = tmp_path / "camvid"
    ids = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for split, names in (("val", ("z.png",)), ("train", ("b.png", "a.jpg"))):
        for name in names:
            write_image(folder / split / name)
            target = folder / f"{split}annot" / f"{Path(name).stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(ids)
            if name == "a.jpg":
                picture.putpalette(camvid.LABELS.flat_palette())
            picture.save(target)
    return folder


def test_camvid_lists_and_reads(street):
    expected = [("train", "a"), ("train", "b"), ("val", "z")]
    assert listing(camvid.SOURCE, street) == listing(camvid.SOURCE, street.parent) == expected
    street.rename(street.with_name("CamVid"))
    assert listing(camvid.SOURCE, street.parent) == expected
    for entry in camvid.entries(street.parent):
        label = entry.load().label
        assert label.dtype == np.uint8
        np.testing.assert_array_equal(label.ravel(), [*range(11), 255])


def test_camvid_names_foreign_pixels(street):
    file = street / "trainannot" / "a.png"
    ids = np.zeros((3, 4), np.uint8)
    ids[2, 1] = 12
    Image.fromarray(ids).save(file)
    load = camvid.entries(street)[0].load
    fails(load, file, "row 2, column 1 holds 12", "no class claims")
    Image.new("RGB", (4, 3), (1, 2, 3)).save(file)
    fails(load, file, "colour picture")
    Image.new("CMYK", (4, 3)).save(file, "TIFF")
    fails(load, file, "CMYK")
    noise = np.random.default_rng(0).integers(0, 12, (300, 400), np.uint8)
    Image.fromarray(noise).save(file)
    whole = file.read_bytes()
    for length in (0, 20, 50, len(whole) // 2, len(whole) - 100):
        file.write_bytes(whole[:length])
        fails(load, file, "not a readable mask")


def test_camvid_names_files_without_a_partner(street):
    (street / "trainannot" / "a.png").rename(street / "trainannot" / "c.png")

    def lonely():
        check_complete(camvid.SOURCE, camvid.entries(street), street)

    fails(lonely, street / "train" / "a.jpg", "no label", "2 such")
    (street / "train" / "a.jpg").unlink()
    fails(lonely, street / "trainannot" / "c.png", "no image")
    write_image(street / "train" / "b.jpg")
    fails(lambda: camvid.entries(street), "b.png", "b.jpg", "same name")


def test_camvid_names_a_missing_half(street):
    (street / "valannot").rename(street / "elsewhere")
    fails(lambda: camvid.entries(street), "valannot", "no such folder")
    (street / "valannot").mkdir()
    (street / "val" / "z.png").unlink()
    fails(lambda: camvid.entries(street), street / "val", "holds no image")
    (street / "valannot").rmdir()
    for folder in ("train", "trainannot", "val"):
        (street / folder).rename(street / f"old_{folder}")
    fails(lambda: camvid.entries(street), "train, val, test", "expected camvid/")
