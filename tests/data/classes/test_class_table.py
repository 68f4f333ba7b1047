"""Tables of classes, and mask files of every kind read by them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from casnet_cli.data.classes import class_table
from casnet_cli.data.masks import masks
from casnet_cli.data.remarks import Remarks
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID

TABLE = """
void = {ids = [255], colors = [[0, 0, 0]]}
[[class]]
name = "road"
ids = [7, 8]
color = [128, 64, 128]
[[class]]
name = "sky"
ids = [23]
color = [70, 130, 180]
[[class]]
name = "road"
color = [129, 64, 128]
"""

BY_COLOR = "\n".join(line for line in TABLE.splitlines() if not line.startswith("ids")).replace("ids = [255], ", "")
IDS = np.array([[7, 8, 23], [255, 7, 23]])
EXPECTED = np.array([[0, 0, 1], [VOID, 0, 1]])
COLORS = np.array([[[128, 64, 128], [129, 64, 128], [70, 130, 180]], [[0, 0, 0], [128, 64, 128], [70, 130, 180]]])


def table(folder: Path, text: str = TABLE) -> class_table.ClassTable:
    (folder / "classes.toml").write_text(text)
    return class_table.load(folder / "classes.toml")


def test_values_colours_void_and_merged_classes(tmp_path: Path) -> None:
    found = table(tmp_path)
    assert found.labels.names == ("road", "sky")
    assert found.labels.palette == ((128, 64, 128), (70, 130, 180))
    assert found.ids == {255: VOID, 7: 0, 8: 0, 23: 1}
    assert found.colors == {(0, 0, 0): VOID, (128, 64, 128): 0, (70, 130, 180): 1, (129, 64, 128): 0}


def test_names_in_annotations_merge_classes_and_mean_void(tmp_path: Path) -> None:
    car, van = '[[class]]\nname = "car"\nlabels = ["Car", "van"]', '[[class]]\nname = "van"\nids = [3]'
    found = table(tmp_path, f'void = {{labels = ["__ignore__"]}}\n{car}\n{van}')
    assert found.names == {"__ignore__": VOID, "Car": 0, "van": 0}
    classes = {name: found.class_of_name(name) for name in ("Car", "van", "car", "__ignore__", "bus")}
    assert classes == {"Car": 0, "van": 0, "car": 0, "__ignore__": VOID, "bus": None}


def test_the_rest_is_void_and_counted(tmp_path: Path) -> None:
    text = 'void = "rest"\n[[class]]\nname = "road"\nids = [7]\n[[class]]\nname = "sky"\nids = [23]'
    found = table(tmp_path, text)
    assert found.rest and not found.names and found.ids == {7: 0, 23: 1}
    remarks = Remarks()
    for number, values in enumerate(([7, 8, 23, 8], [-1, 7, 7, 300], [7, 23, 7, 7])):
        tifffile.imwrite(tmp_path / f"{number}.tif", np.array([values], np.int16))
    seen = [masks.class_ids(tmp_path / f"{number}.tif", found, remarks=remarks).tolist() for number in range(3)]
    assert seen == [[[0, VOID, 1, VOID]], [[VOID, 0, 0, VOID]], [[0, 1, 0, 0]]]
    assert [one.line for one in remarks.all()] == [
        "2 files: 4 pixels (50.0 %) that no class claims, taken for void: 8, -1, 300"
    ]


def test_the_rest_of_colours_is_void_and_counted(tmp_path: Path) -> None:
    found = table(tmp_path, 'void = "rest"\n[[class]]\nname = "sky"\ncolor = [70, 130, 180]')
    remarks = Remarks()
    Image.fromarray(COLORS.astype(np.uint8)).save(tmp_path / "m.png")
    assert masks.class_ids(tmp_path / "m.png", found, remarks=remarks).tolist() == [[VOID, VOID, 0], [VOID, VOID, 0]]
    assert [one.line for one in remarks.all()] == [
        "1 file: 4 pixels (66.7 %) that no class claims, taken for void: (0, 0, 0), (128, 64, 128), (129, 64, 128)"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('void = "all"\n[[class]]\nname = "a"\nids = [1]', ["void: should be a table (expected", 'void = "rest"']),
        ("", ["class", "field required"]),
        ('void = {labels = ["x"]}\n[[class]]\nname = "a"\nlabels = ["x"]', ["'x' is claimed by void and 'a'"]),
        ('[[class]]\nname = "a"\nlabels = [""]', ["class.0.labels.0"]),
        ('[[class]]\nname = "a"', ["class 'a' has neither ids nor color"]),
        ('[[class]]\nname = "a"\nids = [1]\n[[class]]\nname = "b"\nids = [1]', ["1 is claimed by 'a' and 'b'"]),
        ('void = {ids = [1]}\n[[class]]\nname = "a"\nids = [1]', ["1 is claimed by void and 'a'"]),
        ('[[class]]\nname = "a"\nids = [5000000000]', ["class.0.ids.0"]),
        ('[[class]]\nname = "a"\ncolor = [1, 2]', ["class.0.color"]),
        ('[[class]]\nname = "a"\nid = 3', ["unknown key class.0.id"]),
        ('void = 3\n[[class]]\nname = "a"\nids = [1]', ["void: should be a table (expected"]),
        ("class = [3]", ["class.0: should be a table (expected"]),
        ("name = [", ["not a readable table"]),
    ],
)
def test_faults_of_a_table(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        table(tmp_path, text)
    for word in ["classes.toml", *words]:
        assert word in str(caught.value)


def grey(file: Path) -> None:
    Image.fromarray(IDS.astype(np.uint8)).save(file)


def wide(file: Path) -> None:
    Image.fromarray(IDS.astype(np.uint16)).save(file)


def palette_of_ids(file: Path) -> None:
    picture = Image.fromarray(IDS.astype(np.uint8), "P")
    picture.putpalette([5] * 768)
    picture.save(file)


def rgb(file: Path) -> None:
    Image.fromarray(COLORS.astype(np.uint8)).save(file)


def rgba(file: Path) -> None:
    Image.fromarray(COLORS.astype(np.uint8)).convert("RGBA").save(file)


def palette_of_colors(file: Path) -> None:
    picture = Image.fromarray(np.array([[2, 3, 1], [0, 2, 1]], np.uint8), "P")
    picture.putpalette([0, 0, 0, 70, 130, 180, 128, 64, 128, 129, 64, 128])
    picture.save(file)


@pytest.mark.parametrize("write", [grey, wide, palette_of_ids, rgb, rgba])
def test_masks_of_every_kind_by_a_table_of_both(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path / "mask.png")
    found = masks.class_ids(tmp_path / "mask.png", table(tmp_path))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, EXPECTED)


@pytest.mark.parametrize("write", [palette_of_colors, rgb])
def test_a_palette_whose_colours_are_the_meaning(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path / "mask.png")
    np.testing.assert_array_equal(masks.class_ids(tmp_path / "mask.png", table(tmp_path, BY_COLOR)), EXPECTED)


def test_a_grey_mask_saved_as_rgb(tmp_path: Path) -> None:
    Image.fromarray(IDS.astype(np.uint8)).convert("RGB").save(tmp_path / "mask.png")
    only_ids = "\n".join(line for line in TABLE.splitlines() if "color" not in line)
    only_ids = "void = {ids = [255]}\n" + only_ids.replace('[[class]]\nname = "road"\n', "", 0)
    only_ids = only_ids.rsplit("[[class]]", 1)[0]
    np.testing.assert_array_equal(masks.class_ids(tmp_path / "mask.png", table(tmp_path, only_ids)), EXPECTED)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.array([[7, 9]], np.uint8), ["row 0, column 1 holds 9", "next to class 'road'"]),
        (np.array([[7, 100]], np.uint8), ["holds 100", "void?"]),
        (
            np.array([[[128, 64, 128], [70, 131, 180]]], np.uint8),
            ["(70, 131, 180)", "nearest is class 'sky', (70, 130"],
        ),
    ],
)
def test_a_value_that_nothing_claims(tmp_path: Path, pixels: np.ndarray, words: list[str]) -> None:
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    with pytest.raises(DataError) as caught:
        masks.class_ids(tmp_path / "mask.png", table(tmp_path))
    for word in ["mask.png", *words]:
        assert word in str(caught.value)


def test_a_jpeg_is_named_as_such_and_what_is_no_mask_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    Image.fromarray(noise).save(tmp_path / "mask.jpg")
    with pytest.raises(DataError, match="store masks as PNG"):
        masks.class_ids(tmp_path / "mask.jpg", table(tmp_path))
    Image.fromarray(noise + np.float32(0.5)).save(tmp_path / "mask.tif")
    with pytest.raises(DataError, match=rf"row 0, column 0 holds {noise[0, 0] + 0.5}, which is no whole number"):
        masks.class_ids(tmp_path / "mask.tif", table(tmp_path))
    np.save(tmp_path / "mask.npy", np.zeros((4, 6, 5), np.uint8))
    with pytest.raises(DataError, match="5 channels of uint8"):
        masks.class_ids(tmp_path / "mask.npy", table(tmp_path))
    (tmp_path / "mask.png").write_bytes(b"")
    with pytest.raises(DataError, match="not a readable mask"):
        masks.class_ids(tmp_path / "mask.png", table(tmp_path))
