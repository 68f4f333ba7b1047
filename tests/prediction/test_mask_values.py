"""What mask files hold, read back by Pillow and by the reader of one's own masks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.classes import class_table
from casnet_cli.data.masks import masks
from casnet_cli.errors import InputError
from casnet_cli.labels import VOID, with_colors
from casnet_cli.prediction import mask_values as module
from casnet_cli.prediction.mask_values import MaskValues, resolve_mask_values

LABELS = with_colors(("sky", "road"))
MASK = np.array([[0, 1, VOID], [1, 1, 0]], np.uint8)
VOIDS = "void = {ids = [254, 255], colors = [[9, 9, 9], [0, 0, 0]]}\n"
ROAD = '[[class]]\nname = "road"\nids = [7, 8]\ncolor = [128, 64, 128]\n'
AGAIN = '[[class]]\nname = "road"\nids = [9]\ncolor = [1, 2, 3]\n'
TREE = '[[class]]\nname = "tree"\nids = [60000]\ncolor = [5, 5, 5]\n'
SKY = '[[class]]\nname = "sky"\nids = [23]\ncolor = [70, 130, 180]\n'
TABLE = VOIDS + ROAD + AGAIN + TREE + SKY


def without(text: str, key: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(key))


def from_table(folder: Path, text: str, rejecting: bool = True) -> MaskValues:
    (folder / "mine.toml").write_text(text)
    return resolve_mask_values(str(folder / "mine.toml"), LABELS, rejecting)


def saved(found: MaskValues, folder: Path, mask: np.ndarray = MASK) -> Image.Image:
    found.image(mask).save(folder / "mask.png")
    with Image.open(folder / "mask.png") as image:
        image.load()
        return image.copy()


def test_palette_and_plain_ids(tmp_path: Path) -> None:
    palette = saved(resolve_mask_values("palette", LABELS, True), tmp_path)
    assert palette.mode == "P"
    np.testing.assert_array_equal(palette, MASK)
    assert palette.getpalette() == LABELS.flat_palette()
    grey = saved(resolve_mask_values("ids", LABELS, False), tmp_path)
    assert grey.mode == "L"
    np.testing.assert_array_equal(grey, MASK)


@pytest.mark.parametrize(
    ("text", "mode", "sky", "road", "void"),
    [
        (TABLE, "L", 23, 7, 254),
        (TABLE.replace("[7, 8]", "[300, 8]"), "I;16", 23, 300, 254),
        (TABLE.replace("[254, ", "[65535, "), "I;16", 23, 7, 65535),
        (without(TABLE, "ids"), "RGB", (70, 130, 180), (128, 64, 128), (9, 9, 9)),
        (VOIDS + without(ROAD, "ids") + SKY, "RGB", (70, 130, 180), (128, 64, 128), (9, 9, 9)),
        (VOIDS + ROAD + without(SKY, "color"), "L", 23, 7, 254),
    ],
)
def test_a_table_gives_its_first_ids_or_else_its_colours(
    tmp_path: Path, text: str, mode: str, sky: object, road: object, void: object
) -> None:
    image = saved(from_table(tmp_path, text), tmp_path)
    assert image.mode == mode
    np.testing.assert_array_equal(np.asarray(image), np.array([[sky, road, void], [road, road, sky]]))


@pytest.mark.parametrize("text", [TABLE, TABLE.replace("[7, 8]", "[300, 8]"), VOIDS + without(ROAD + SKY, "ids")])
def test_the_reader_of_masks_finds_the_classes_again(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKUP_STRIP", 20)  # several strips, the last one short
    mask = np.random.default_rng(0).choice(np.array([0, 1, VOID], np.uint8), (7, 11))
    saved(from_table(tmp_path, text), tmp_path, mask)
    table = class_table.load(tmp_path / "mine.toml")
    names = [*LABELS.names, *[None] * (VOID - 2), "void"]
    read = masks.class_ids(tmp_path / "mask.png", table)
    found = [["void" if one == VOID else table.labels.names[one] for one in row] for row in read]
    assert found == [[names[one] for one in row] for row in mask]


def test_void_is_needed_only_for_rejected_pixels(tmp_path: Path) -> None:
    found = from_table(tmp_path, ROAD + SKY, rejecting=False)
    np.testing.assert_array_equal(found.image(MASK[1:]), [[7, 7, 23]])
    with pytest.raises(ValueError, match=r"holds \[255\]"):
        found.image(MASK)
    with pytest.raises(ValueError, match=r"holds \[2\]"):
        resolve_mask_values("ids", LABELS, True).image(np.full((2, 2), 2, np.uint8))


def test_the_identity_follows_what_is_written(tmp_path: Path) -> None:
    first = from_table(tmp_path, TABLE).identity
    assert first == from_table(tmp_path, "# a note\n" + TABLE.replace("[7, 8]", "[7]")).identity
    others = [TABLE.replace("[7, 8]", "[8, 7]"), TABLE.replace("[254, ", "["), without(VOIDS + ROAD + SKY, "ids")]
    identities = {first, "palette", "ids", *(from_table(tmp_path, text).identity for text in others)}
    assert len(identities) == 6
    assert {resolve_mask_values(name, LABELS, True).identity for name in ("palette", "ids")} == {"palette", "ids"}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (ROAD, ["lacks class 'sky' (a [[class]] for", "void has no value for rejected pixels (such as void = {ids"]),
        (TREE, ["lacks classes 'sky', 'road' (", "void has no value"]),
        (without(TREE, "ids"), ["lacks classes", "void has no value for rejected pixels (such as void = {colors"]),
        (without(ROAD, "ids") + SKY, ["void has no value for rejected pixels (such as void = {colors = [[0, 0, 0]]})"]),
        (
            VOIDS + without(ROAD, "ids") + without(SKY, "color"),
            ["class 'road' without ids and class 'sky' without color (ids for each class of the run, or a color"],
        ),
        ('[[class]]\nname = "sky"\nid = 3\n[[class]]\nids = [1]', ["unknown key class.0.id", "class.1.name"]),
        ("name = [", ["not a readable table of classes"]),
    ],
)
def test_all_faults_of_a_table_at_once(tmp_path: Path, text: str, faults: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        from_table(tmp_path, text)
    assert len(caught.value.faults) == len(faults)
    for fault, words in zip(caught.value.faults, faults, strict=True):
        assert fault.startswith(f"{tmp_path / 'mine.toml'}: ") and words in fault


def test_ids_that_no_png_can_hold_are_passed_over(tmp_path: Path) -> None:
    """Masks to read may hold them; of several ids the first one that can be written is."""
    found = from_table(tmp_path, TABLE.replace("[7, 8]", "[-7, 70000, 8]").replace("[254, ", "[-1, 254, "))
    assert found.grey is not None and {8, 254} <= set(found.grey.tolist())
    alone = VOIDS + without(ROAD.replace("[7, 8]", "[-7]") + SKY, "color")
    with pytest.raises(InputError, match="class 'road' without ids"):
        from_table(tmp_path, alone)


def test_a_file_that_is_not_there_and_one_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"palete: no such file of mask values \(palette, ids or a TOML file"):
        resolve_mask_values("palete", LABELS, False)
    with pytest.raises(InputError, match="Is a directory"):
        resolve_mask_values(str(tmp_path), LABELS, False)
