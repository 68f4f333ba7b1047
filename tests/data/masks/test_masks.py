"""Masks by a table of classes: palettes that contradict it, mending, transparency, and what is refused, in words."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers.cli import casnet, stderr_of
from helpers.photographs import photographs
from helpers.png_files import GREY_ALPHA, PALETTE, RGB, RGBA, png
from PIL import Image

from casnet_cli.data.classes import class_table
from casnet_cli.data.images import decode_label
from casnet_cli.data.masks import masks, palettes
from casnet_cli.data.masks.mending import Mending, check_mending
from casnet_cli.data.remarks import Remarks
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, InputError, Unfit, UnfitKind
from casnet_cli.labels import VOID

INDICES = np.arange(24).reshape(4, 6) % 3
SKY, TREE, ROAD = (70, 130, 180), (107, 142, 35), (128, 64, 128)
TABLE = (
    'void = {ids = [255]}\n[[class]]\nname = "sky"\nids = [0]\ncolor = [70, 130, 180]\n'
    '[[class]]\nname = "tree"\nids = [1]\ncolor = [107, 142, 35]\n[[class]]\nname = "road"\nids = [2]\ncolor = {road}\n'
)
BLACK_WHITE = '[[class]]\nname = "no"\nids = [0]\n[[class]]\nname = "yes"\nids = [255]\n'
PAINT = '[[class]]\nname = "red"\ncolor = [200, 0, 0]\n[[class]]\nname = "green"\ncolor = [0, 200, 0]\n'


def loaded(folder: Path, text: str) -> class_table.ClassTable:
    (folder / "classes.toml").write_text(text)
    return class_table.load(folder / "classes.toml")


def table(folder: Path, road: tuple[int, ...] = ROAD) -> class_table.ClassTable:
    return loaded(folder, TABLE.replace("{road}", str(list(road))))


def indexed(file: Path, *colors: tuple[int, ...], values: np.ndarray = INDICES) -> Path:
    file.write_bytes(png(values, 8, PALETTE, np.array(colors)))
    return file


def ids_of(file: Path, classes: class_table.ClassTable, **mending: float) -> tuple[np.ndarray, list[str]]:
    remarks = Remarks()
    found = masks.class_ids(file, classes, Mending(**mending), remarks)  # type: ignore[arg-type]
    return found, [remark.line for remark in remarks.all()]


def test_an_index_whose_colour_belongs_to_another_class_is_refused(tmp_path: Path) -> None:
    file = indexed(tmp_path / "a.png", SKY, ROAD, TREE)
    with pytest.raises(Unfit) as caught:
        masks.class_ids(file, table(tmp_path))
    assert caught.value.kind == UnfitKind.PALETTE
    for words in ("a.png: index 1 means 'tree' by its number", "(128, 64, 128) belongs to 'road'"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("colors", "road"),
    [
        ((SKY, TREE, ROAD), ROAD),
        ([(index,) * 3 for index in range(256)], (1, 1, 1)),
        ([(85 * index,) * 3 for index in range(4)], (85, 85, 85)),
        ([(0, 0, 0)] * 256, (0, 0, 0)),
        ([(1, 2, 3), (4, 5, 6), (7, 8, 9)], ROAD),
        ([SKY, (9, 9, 9), (0, 0, 0), *[(0, 0, 0)] * 253], (0, 0, 0)),
        ([SKY, ROAD, ROAD], ROAD),
    ],
    ids=["as the table", "ramp", "short ramp", "black", "colours of no class", "padded with black", "twice"],
)
def test_palettes_that_say_nothing_else_are_taken_by_their_indices(
    tmp_path: Path, colors: list[tuple[int, ...]], road: tuple[int, ...]
) -> None:
    np.testing.assert_array_equal(masks.class_ids(indexed(tmp_path / "a.png", *colors), table(tmp_path, road)), INDICES)


@pytest.mark.parametrize("color", ["", "color = [{index}, 9, 9]"], ids=["no colours", "other colours"])
def test_palettes_that_disagree_are_noted_where_the_table_does_not_decide(tmp_path: Path, color: str) -> None:
    own = "\n" + color + "\n"
    ids = "".join(f'[[class]]\nname = "{i}"\nids = [{i}]{own.format(index=i)}' for i in range(3))
    classes, remarks = loaded(tmp_path, ids), Remarks()
    seen = palettes.PalettesSeen(remarks)
    for name, colors in (("a", (SKY, TREE, ROAD)), ("b", (SKY, TREE, ROAD)), ("c", (SKY, ROAD, TREE))):
        file = indexed(tmp_path / f"{name}.png", *colors)
        np.testing.assert_array_equal(masks.class_ids(file, classes, remarks=remarks, seen=seen), INDICES)
    assert [remark.line for remark in remarks.all()] == [f"3 files: {palettes.DISAGREE}"]


def test_a_threshold_divides_files_that_hold_values_between(tmp_path: Path) -> None:
    classes = loaded(tmp_path, BLACK_WHITE)
    greys = np.array([[0, 1, 127], [128, 254, 255]], np.uint8)
    Image.fromarray(greys).save(tmp_path / "soft.png")
    expected = np.array([[0, 0, 0], [1, 1, 1]])
    found, said = ids_of(tmp_path / "soft.png", classes, threshold=128)
    np.testing.assert_array_equal(found, expected)
    assert said == ["1 file: 4 pixels (66.7 %) divided at 128"]
    Image.fromarray(np.dstack([greys] * 3)).save(tmp_path / "three.png")
    np.testing.assert_array_equal(ids_of(tmp_path / "three.png", classes, threshold=128)[0], expected)
    tifffile.imwrite(tmp_path / "chance.tif", greys / np.float32(255))
    np.testing.assert_array_equal(ids_of(tmp_path / "chance.tif", classes, threshold=0.5)[0], expected)
    (tmp_path / "two.png").write_bytes(png(greys // 64, 2))
    np.testing.assert_array_equal(ids_of(tmp_path / "two.png", classes, threshold=2)[0], greys >= 128)
    (tmp_path / "one.png").write_bytes(png(greys // 128, 1))
    np.testing.assert_array_equal(ids_of(tmp_path / "one.png", classes, threshold=128)[0], greys >= 128)
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "hard.png")
    assert ids_of(tmp_path / "hard.png", classes, threshold=128)[1] == [], "nothing is mended, and nothing said"
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "ones.png")
    with pytest.raises(DataError, match="column 1 holds 1, which no class claims"):
        ids_of(tmp_path / "ones.png", classes, threshold=128)
    Image.fromarray(np.array([[[0, 0, 0], [200, 9, 0]]], np.uint8)).save(tmp_path / "red.png")
    with pytest.raises(DataError, match="is a colour picture"):
        ids_of(tmp_path / "red.png", classes, threshold=128)


def test_a_threshold_keeps_void_and_takes_the_brighter_colour(tmp_path: Path) -> None:
    greys = np.array([[0, 30, 200, 255, 99]], np.uint8)
    Image.fromarray(greys).save(tmp_path / "soft.png")
    classes = loaded(tmp_path, "void = {ids = [99]}\n" + BLACK_WHITE.replace("255", "1, 255"))
    np.testing.assert_array_equal(ids_of(tmp_path / "soft.png", classes, threshold=100)[0], [[0, 0, 1, 1, VOID]])
    bright = loaded(tmp_path, PAINT.replace("[200, 0, 0]", "[255, 255, 255]").replace("[0, 200, 0]", "[0, 0, 0]"))
    np.testing.assert_array_equal(ids_of(tmp_path / "soft.png", bright, threshold=100)[0], [[1, 1, 0, 0, 1]])


def test_the_nearest_colour_is_taken_within_a_distance(tmp_path: Path) -> None:
    """Of OpenCV's reading the largest difference of a channel decides, as computed here by hand."""
    classes = loaded(tmp_path, PAINT)
    pixels = np.array([[[200, 0, 0], [170, 25, 30], [0, 230, 0], [20, 160, 39]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "soft.png")
    found, said = ids_of(tmp_path / "soft.png", classes, nearest=40)
    np.testing.assert_array_equal(found, [[0, 0, 1, 1]])
    assert said == ["1 file: 3 pixels (75.0 %) taken for the nearest colour"]
    with pytest.raises(DataError, match=r"column 3 holds \(20, 160, 39\), which no class claims"):
        ids_of(tmp_path / "soft.png", classes, nearest=39)
    random = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    Image.fromarray(random).save(tmp_path / "any.png")
    far = np.abs(random[:, :, None].astype(int) - [[200, 0, 0], [0, 200, 0]]).max(axis=-1)
    np.testing.assert_array_equal(ids_of(tmp_path / "any.png", classes, nearest=255)[0], far.argmin(axis=-1))
    indexed(tmp_path / "palette.png", (200, 0, 0), (0, 180, 0), (190, 5, 5))
    np.testing.assert_array_equal(ids_of(tmp_path / "palette.png", classes, nearest=40)[0], [[0, 1, 0] * 2] * 4)


@pytest.mark.parametrize(
    ("mending", "text", "words"),
    [
        (Mending(threshold=128), TABLE.replace("{road}", "[1, 2, 3]"), "divides masks into two classes, and the table"),
        (Mending(threshold=float("nan")), BLACK_WHITE, "not a number"),
        (Mending(nearest=40), BLACK_WHITE, "no class of the table has a color"),
        (Mending(nearest=300), PAINT, "no distance of colours"),
    ],
)
def test_mendings_that_a_table_does_not_allow(tmp_path: Path, mending: Mending, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_mending(mending, loaded(tmp_path, text))


def test_blended_masks_are_recognized_by_their_fault(tmp_path: Path) -> None:
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / "grey.png")
    with pytest.raises(Unfit, match=r"blended borders. --threshold 128 divides them") as caught:
        ids_of(tmp_path / "grey.png", loaded(tmp_path, BLACK_WHITE))
    assert caught.value.what == "black and white with blended borders? --threshold 128 divides them", (
        "one finding for all such masks"
    )
    Image.fromarray(np.linspace((200, 0, 0), (0, 200, 0), 9)[None].round().astype(np.uint8)).save(tmp_path / "rgb.png")
    with pytest.raises(Unfit, match=r"blended borders. --nearest-color 100 takes the nearest class"):
        ids_of(tmp_path / "rgb.png", loaded(tmp_path, PAINT))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[0, 0.5]], np.float32), "column 1 holds 0.5, which is no whole number"),
        (np.array([[0, np.inf]], np.float32), "column 1 holds inf, which is infinite"),
        (np.array([[0, -7]], np.int32), "column 1 holds -7, which no class claims"),
        (np.array([[0, 2**31]], np.uint32), "column 1 holds 2147483648, which no class claims"),
        (np.zeros((4, 5, 4), np.uint8), "4 channels of uint8"),
        (np.arange(60, dtype=np.uint16).reshape(4, 5, 3) * 99, "three channels of uint16 that differ"),
        (np.zeros((4, 5), np.complex64), "not a readable mask"),
    ],
)
def test_values_that_are_no_ids_are_refused_in_words(tmp_path: Path, values: np.ndarray, words: str) -> None:
    np.save(tmp_path / "mask.npy", values)
    with pytest.raises(DataError) as caught:
        ids_of(tmp_path / "mask.npy", loaded(tmp_path, BLACK_WHITE))
    assert words in str(caught.value) and "mask.npy" in str(caught.value)


def test_transparent_pixels_are_ground_where_no_class_claims_them_or_opaque_ones_have_their_colour(
    tmp_path: Path,
) -> None:
    red, green, other = (200, 0, 0), (0, 200, 0), (9, 9, 9)
    row = [(*red, 255), (*red, 0), (*green, 0), (*other, 0), (*red, 90)]
    (tmp_path / "a.png").write_bytes(png(np.array([row]), 8, RGBA))
    found, said = ids_of(tmp_path / "a.png", loaded(tmp_path, PAINT))
    np.testing.assert_array_equal(found, [[0, VOID, 1, VOID, 0]])
    assert said == [
        "1 file: 1 pixel (20.0 %) that are transparent: the class of their colour or id",
        "1 file: 2 pixels (40.0 %) that are transparent: void",
    ]
    ground = loaded(tmp_path, PAINT + '[[class]]\nname = "background"\ncolor = [1, 1, 1]\n')
    np.testing.assert_array_equal(ids_of(tmp_path / "a.png", ground)[0], [[0, 2, 1, 2, 0]])
    (tmp_path / "clear.png").write_bytes(png(np.array([[(*other, 0)] * 3]), 8, RGBA))
    np.testing.assert_array_equal(ids_of(tmp_path / "clear.png", ground)[0], [[2, 2, 2]])
    (tmp_path / "faint.png").write_bytes(png(np.array([[(*red, 90)] * 3]), 8, RGBA))
    assert ids_of(tmp_path / "faint.png", ground)[1] == [], "one opacity for all says nothing"


def test_a_silhouette_is_its_opacity_where_the_table_knows_its_levels(tmp_path: Path) -> None:
    levels = np.array([[0, 255, 60, 200]])
    (tmp_path / "a.png").write_bytes(png(np.dstack([levels * 0 + 5, levels]), 8, GREY_ALPHA))
    found, said = ids_of(tmp_path / "a.png", loaded(tmp_path, BLACK_WHITE), threshold=128)
    np.testing.assert_array_equal(found, [[0, 1, 0, 1]])
    assert len(said) == 2 and masks.OPACITY in said[1]
    five = loaded(tmp_path, '[[class]]\nname = "background"\nids = [0]\n[[class]]\nname = "five"\nids = [5]\n')
    np.testing.assert_array_equal(ids_of(tmp_path / "a.png", five)[0], [[0, 1, 1, 1]])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    photographs(tmp_path)
    for index, file in enumerate(sorted((tmp_path / "masks").iterdir())):
        greys = np.arange(24, dtype=np.uint8).reshape(4, 6) // 12 * 255
        greys[1, 2:4] = 40 + index
        Image.fromarray(greys).save(file)
    (tmp_path / "classes.toml").write_text(BLACK_WHITE)
    return tmp_path


WORDS = ("folder", "--images", "images", "--masks", "masks", "--classes", "classes.toml")


def test_prepare_and_check_mend_on_request_and_count(home: Path) -> None:
    assert "holds 40, as do 8.3% of its pixels, which no class claims" in casnet("prepare", *WORDS, code=2)
    words = (*WORDS, "--name", "mine")
    assert "5 files: 10 pixels (8.3 %) divided at 100" in stderr_of("prepare", *words, "--threshold", "100")
    low = Store(home / "data/mine.h5").parts()["train"][0].label
    np.testing.assert_array_equal(np.asarray(decode_label(low)), np.arange(24).reshape(4, 6) // 12)
    assert "5 files: 10 pixels (8.3 %) divided at 100" in casnet("check", *WORDS, "--threshold", "100", code=1)
    casnet("prepare", *words, "--threshold", "20")
    high = Store(home / "data/mine.h5").parts()["train"][0].label
    assert np.asarray(decode_label(high)).sum() == 14, "the threshold is part of what decides the content"


def test_mending_needs_masks_and_a_table(home: Path) -> None:
    mended = ("folder", "--images", "images", "--threshold", "3")
    assert "mend masks" in casnet("prepare", *mended, "--annotations", "coco.json", code=2)
    assert "no class of the table has a color" in casnet("check", *WORDS, "--nearest-color", "40", code=2)


def test_a_set_of_one_class_is_warned_of(home: Path) -> None:
    (home / "classes.toml").write_text('void = {ids = [255]}\n[[class]]\nname = "it"\nids = [0, 40, 41, 42, 43, 44]\n')
    said = stderr_of("prepare", *WORDS)
    assert "warning: every labelled pixel of train is it: nothing can be learnt of one class" in said
    assert "labelled pixels of train are all it: nothing can be learnt" in casnet("check", *WORDS, code=1)


def test_check_names_palettes_that_contradict_the_table(home: Path) -> None:
    for index, file in enumerate(sorted((home / "masks").iterdir())):
        colors = (SKY, TREE, ROAD) if index else (SKY, ROAD, TREE)
        indexed(file, *colors)
    (home / "classes.toml").write_text(TABLE.replace("{road}", str(list(ROAD))))
    said = casnet("check", *WORDS, code=1)
    assert "1 mask whose palette gives an index the colour of another class" in said and "photo 0 ä.png" in said
    assert "index 1 means 'tree' by its number" in casnet("prepare", *WORDS, code=2)


def test_colours_in_place_of_ids_need_no_order(home: Path) -> None:
    (home / "classes.toml").write_text(PAINT)
    for file in (home / "masks").iterdir():
        file.write_bytes(png(np.array([[(200, 0, 0)] * 6] * 2 + [[(0, 190, 9)] * 6] * 2), 8, RGB))
    said = stderr_of("prepare", *WORDS, "--nearest-color", "10")
    assert "5 files: 60 pixels (50.0 %) taken for the nearest colour" in said
