"""The reader of Stanford Background, on tiny files in the official layout."""

import io

import numpy as np
import pytest
from helpers.raw_data import fails, listing, write_image
from PIL import Image

from casnet_cli.data.sources import stanford_background


@pytest.fixture
def stanford(tmp_path):
    folder = tmp_path / "iccv09Data"
    for name in ("0000047", "0000051"):
        write_image(folder / "images" / f"{name}.jpg")
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{name}.regions.txt").write_text("0 1 2 3 \n4 5 6 7 \n-1 0 0 -1 \n")
        (folder / "labels" / f"{name}.layers.txt").write_text("9 9 9\n")
    return folder


def test_stanford_lists_and_reads(stanford):
    expected = [("train", "0000047"), ("train", "0000051")]
    assert listing(stanford_background.SOURCE, stanford) == expected
    assert listing(stanford_background.SOURCE, stanford.parent) == expected
    label = stanford_background.entries(stanford)[0].load().label
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, [[0, 1, 2, 3], [4, 5, 6, 7], [255, 0, 0, 255]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0 0 0\n0 0 8 0\n0 0 0 0\n", ["row 1, column 2", "'8'", "-1"]),
        ("0 0 0 0\n0 0 0 -2\n", ["row 1, column 3", "'-2'"]),
        ("0 0 0 0\n0 0 0\n", ["row 1 has 3 pixels", "expected 4"]),
        ("\x00\x1b[31m<html>", ["row 0, column 0", "<html>"]),
        ("0 0.5 0 0", ["column 1", "'0.5'"]),
        ("", ["is empty"]),
        ("0 0 0\n0 0 0\n", ["labels 3x2", "has 4x3"]),
    ],
)
def test_stanford_names_the_first_fault(stanford, text, words):
    file = stanford / "labels" / "0000047.regions.txt"
    file.write_text(text)
    fails(stanford_background.entries(stanford)[0].load, file, *words)


def test_an_image_that_is_none_is_named(stanford):
    file = stanford / "images" / "0000047.jpg"
    load = stanford_background.entries(stanford)[0].load
    file.write_text("no image")
    fails(load, file, "not a readable image")
    stream = io.BytesIO()
    Image.new("RGB", (4, 3)).save(stream, "GIF")
    file.write_bytes(stream.getvalue())
    fails(load, file, "expected JPEG or PNG")
    write_image(file, 3, 4)
    fails(load, file, "labels 4x3", "has 3x4")
    file.unlink()
    fails(load, file, "cannot be read")
