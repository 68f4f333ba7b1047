"""Tables proposed from masks: what they are, what is said, and whether the masks can be prepared by them."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.photographs import photo
from helpers.png_files import png
from PIL import Image
from scipy import ndimage

from casnet_cli.data.classes import class_table
from casnet_cli.data.classes.class_proposal import propose
from casnet_cli.data.masks import masks
from casnet_cli.data.masks.mending import Mending, check_mending
from casnet_cli.data.remarks import Remarks
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID

COLORS = np.array([[128, 64, 128], [70, 130, 180], [107, 142, 35], [0, 0, 0], [220, 20, 60]], np.uint8)


def regions(seed: int, classes: int, height: int = 160, width: int = 200) -> np.ndarray:
    """(H, W) class ids in large smooth areas."""
    noise = np.random.default_rng(seed).normal(size=(classes, height, width))
    return ndimage.gaussian_filter(noise, (0, 16, 16)).argmax(axis=0)


TWO = [regions(seed, 2).astype(np.uint8) for seed in range(3)]
WHITE = [two * np.uint8(255) for two in TWO]
MANY = [regions(seed, 5).astype(np.uint8) for seed in range(3)]
PAINTED = [COLORS[many] for many in MANY]


def saved(
    folder: Path, pictures: Sequence[np.ndarray | Image.Image], ending: str = "png", **save: object
) -> list[Path]:
    files = []
    for index, picture in enumerate(pictures):
        files.append(folder / f"{index}.{ending}")
        (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(files[-1], **save)
    return files


def scaled(pixels: np.ndarray, factor: float, how: Image.Resampling = Image.Resampling.BILINEAR) -> np.ndarray:
    height, width = (round(side * factor) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), how))


def proposed(folder: Path, files: list[Path]) -> tuple[list[np.ndarray], list[str], class_table.ClassTable]:
    """Class ids by the table that is proposed and the mending that it advises, what is said, and the table."""
    proposal = propose(files)
    lines = proposal.text.splitlines()
    for sentence in proposal.found:
        assert f"# {sentence}" in lines
    (folder / "classes.toml").write_text(proposal.text)
    table = class_table.load(folder / "classes.toml")
    level, near = (re.search(rf"--{option} (\d+)", proposal.text) for option in ("threshold", "nearest-color"))
    mending = Mending(int(near[1]) if near else None, float(level[1]) if level else None)
    check_mending(mending, table)
    return [masks.class_ids(file, table, mending) for file in files], list(proposal.found), table


def one_bit(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.astype(bool))


BLACK_AND_WHITE = {
    "0 and 255": (WHITE, "Black and white: 0 is the background, 255 the object."),
    "one bit": ([one_bit(two) for two in TWO], "Black and white of 1 bit: 0 is the background, 1 the object."),
    "mixed": ([TWO[0], WHITE[1], WHITE[2]], "as 0 and 1 in some files and 0 and 255 in others"),
    "mixed depths": ([one_bit(TWO[0]), WHITE[1], WHITE[2]], "as 0 and 1 in some files and 0 and 255 in others"),
    "three channels": ([np.dstack([white] * 3) for white in WHITE], "Black and white: #000000 is the background"),
    "one and three": ([WHITE[0], np.dstack([WHITE[1]] * 3), WHITE[2]], "Grey masks of one and of three channels"),
    "silhouettes": ([np.dstack([white * 0 + 9] * 3 + [white]) for white in WHITE], "opacity tells the object"),
}


@pytest.mark.parametrize("case", BLACK_AND_WHITE)
def test_black_and_white_is_background_and_object(tmp_path: Path, case: str) -> None:
    pictures, words = BLACK_AND_WHITE[case]
    found, said, table = proposed(tmp_path, saved(tmp_path, pictures))
    assert table.labels.names == ("background", "object") and any(words in sentence for sentence in said), said
    np.testing.assert_array_equal(found, TWO)


@pytest.mark.parametrize("how", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("factor", [0.5, 1.7])
def test_black_and_white_masks_that_were_scaled_with_blending(
    tmp_path: Path, how: Image.Resampling, factor: float
) -> None:
    soft = [scaled(white, factor, how) for white in WHITE]
    found, said, _ = proposed(tmp_path, saved(tmp_path, soft))
    share = 100 * np.mean([(one != 0) & (one != 255) for one in soft])
    assert said == [
        "Black and white with blended borders: 0 is the background, 255 the object; "
        f"{share:.2f} % of the pixels have values between, and prepare and check mend them by --threshold 128."
    ]
    for ids, one in zip(found, soft, strict=True):
        np.testing.assert_array_equal(ids, one >= 128)


def test_straight_borders_that_were_blended_have_few_values(tmp_path: Path) -> None:
    """Of ids that lie in borders alone one is a class, and two between black and white were made by scaling."""
    hard = np.zeros((40, 60), np.uint8)
    hard[:, 30:] = 255
    soft, ring = hard.copy(), hard.copy()
    soft[:, 29:31], ring[:, 30] = (64, 191), 64
    found, said, _ = proposed(tmp_path, saved(tmp_path, [soft]))
    assert "Black and white with blended borders" in said[0] and "--threshold 128" in said[0]
    np.testing.assert_array_equal(found[0], soft >= 128)
    assert not propose(saved(tmp_path, [ring])).found


def test_the_example_of_void_is_a_value_of_no_class(tmp_path: Path) -> None:
    assert "would be: void = {ids = [254]}" in propose(saved(tmp_path, WHITE)).text
    assert "would be: void = {ids = [255]}" in propose(saved(tmp_path, TWO)).text
    painted = propose(saved(tmp_path, PAINTED)).text
    assert "would be: void = {colors = [[1, 1, 1]]}" in painted and "color = [0, 0, 0]" in painted


def test_blended_borders_of_four_bits_and_of_palettes(tmp_path: Path) -> None:
    """Indices of greys in their order are levels; of other palettes the colours are looked at."""
    soft = [ndimage.gaussian_filter(white, 2.0) for white in WHITE]
    coarse = [((one.astype(int) + 8) // 17).astype(np.uint8) for one in soft]
    few = [tmp_path / f"few-{index}.png" for index in range(3)]
    for file, one in zip(few, coarse, strict=True):
        file.write_bytes(png(one, 4))
    found, said, _ = proposed(tmp_path, few)
    assert "with blended borders: 0 is the background, 15 the object" in said[0]
    np.testing.assert_array_equal(found, [one >= 8 for one in coarse])
    for colors in (1, -1):
        files = saved(tmp_path, [Image.fromarray(one[:, ::colors], "L").quantize(64) for one in soft], "gif")
        found, said, _ = proposed(tmp_path, files)
        assert "Black and white with blended borders" in said[-1] and "--threshold" in said[-1], said
        assert np.mean(np.asarray(found) == np.asarray(TWO)[:, :, ::colors]) > 0.98


@pytest.mark.parametrize("quality", [95, 50])
@pytest.mark.parametrize("channels", [1, 3])
def test_black_and_white_masks_that_were_compressed(tmp_path: Path, quality: int, channels: int) -> None:
    pictures = [white if channels == 1 else np.dstack([white] * 3) for white in WHITE]
    found, said, _ = proposed(tmp_path, saved(tmp_path, pictures, "jpg", quality=quality))
    assert "Black and white saved as JPEG" in said[0] and "--threshold 128" in said[0]
    assert np.mean(np.asarray(found) == TWO) > 0.999


def test_files_of_zero_and_one_beside_blended_ones(tmp_path: Path) -> None:
    """A file of 0 and 1 holds nothing to divide; a value of 1 in a blended file is nearly black."""
    soft = ndimage.gaussian_filter(WHITE[1], 1.5)
    assert (soft == 1).any()
    found, said, table = proposed(tmp_path, saved(tmp_path, [TWO[0], soft, TWO[2]]))
    assert table.ids == {0: 0, 1: 1, 255: 1} and "as 0 and 1 in some files" in said[0]
    np.testing.assert_array_equal(found, [TWO[0], soft >= 128, TWO[2]])


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (lambda pixels: scaled(pixels, 0.7), "Blended borders"),
        (lambda pixels: np.asarray(Image.fromarray(pixels).resize((300, 240), Image.Resampling.BICUBIC)), "Blended"),
        (lambda pixels: ndimage.gaussian_filter(pixels, (1, 1, 0)), "Blended borders"),
    ],
)
def test_blended_colours(tmp_path: Path, change, how: str) -> None:  # type: ignore[no-untyped-def]
    """The colours of areas are the classes; the others become the nearest of them."""
    found, said, table = proposed(tmp_path, saved(tmp_path, [change(painted) for painted in PAINTED]))
    assert said[0].startswith(how) and "--nearest-color" in said[0]
    names = {f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in COLORS}
    assert names <= set(table.labels.names) and len(table.labels) <= 6, "rounding makes no classes"
    palette = np.asarray(table.labels.palette)
    for ids, many in zip(found, MANY, strict=True):
        true = COLORS[np.asarray(Image.fromarray(many).resize(ids.shape[::-1], Image.Resampling.NEAREST))]
        assert np.mean(np.abs(palette[ids] - true.astype(int)).max(axis=-1) <= 4) > 0.95


def test_compressed_colours(tmp_path: Path) -> None:
    found, said, table = proposed(tmp_path, saved(tmp_path, PAINTED, "jpg", quality=90))
    assert said[0].startswith("Saved as JPEG") and len(table.labels) == 5
    palette = np.asarray(table.labels.palette)
    shown = palette[np.asarray(found)].astype(int)
    assert np.mean(np.abs(shown - np.asarray(PAINTED)).max(axis=-1) <= 4) > 0.98


def test_blended_ids_are_said_to_be_lost(tmp_path: Path) -> None:
    soft = saved(tmp_path, [scaled(many * np.uint8(50), 0.7) for many in MANY])
    proposal = propose(soft)
    assert "Between ids nothing can be told" in proposal.found[0] and proposal.text.count("[[class]]") == 5
    assert "[200]" in proposal.text and "--" not in proposal.found[0]


def test_compressed_ids_are_never_taken_for_black_and_white(tmp_path: Path) -> None:
    """Small ids lie closer together than compression moves them."""
    proposal = propose(saved(tmp_path, [many * np.uint8(6) for many in MANY], "jpg"))
    assert "Saved as JPEG" in proposal.found[0] and "Between ids nothing can be told" in proposal.found[0]
    assert "object" not in proposal.text


def test_ids_with_rare_and_narrow_classes_are_all_kept(tmp_path: Path) -> None:
    """Lines one pixel wide are no blending; neither are classes all over a noisy mask."""
    lines = np.where(np.arange(200)[None] % 17 == 0, 20 + np.arange(160)[:, None] % 5, MANY[0]).astype(np.uint8)
    assert propose(saved(tmp_path, [lines])).text.count("[[class]]") == 10
    wires = np.where(np.arange(200)[None] % 9 == 0, 5 + np.arange(200)[None] // 9 % 12, TWO[0] * 40).astype(np.uint8)
    proposal = propose(saved(tmp_path, [wires]))
    assert proposal.text.count("[[class]]") == 14 and proposal.found == ()
    noise = np.random.default_rng(0).integers(0, 30, (60, 60), np.uint8)
    proposal = propose(saved(tmp_path, [noise]))
    assert proposal.text.count("[[class]]") == 30 and proposal.found == ()


def with_palette(many: np.ndarray, order: Sequence[int]) -> Image.Image:
    """A palette image of the colours in that order of indices."""
    picture = Image.fromarray(np.argsort(order).astype(np.uint8)[many], "P")
    picture.putpalette(COLORS[list(order)].ravel().tolist())
    return picture


def test_palettes_that_disagree_give_colours(tmp_path: Path) -> None:
    orders = ([0, 1, 2, 3, 4], [4, 2, 0, 1, 3], [0, 1, 2, 4, 3])
    files = saved(tmp_path, [with_palette(many, order) for many, order in zip(MANY, orders, strict=True)])
    found, said, table = proposed(tmp_path, files)
    assert "Palettes disagree: index 0 is #804080" in said[0] and not table.ids
    np.testing.assert_array_equal(np.asarray(table.labels.palette)[np.asarray(found)], PAINTED)
    Image.fromarray(MANY[0]).save(tmp_path / "3.png")
    with pytest.raises(DataError, match=r"palettes disagree: index 0 is #804080 .*3.png holds ids without colours"):
        propose([*files, tmp_path / "3.png"])


def test_palettes_that_agree_give_ids_whatever_unused_indices_and_plain_palettes_say(tmp_path: Path) -> None:
    pictures = [with_palette(many, range(5)) for many in MANY]
    pictures[1].putpalette([*COLORS.ravel().tolist(), 1, 2, 3])
    pictures[2].putpalette(np.repeat(np.arange(256), 3).tolist())
    _, said, table = proposed(tmp_path, saved(tmp_path, pictures))
    assert said == [] and table.ids == {index: index for index in range(5)}
    assert table.labels.palette == tuple(map(tuple, COLORS.tolist()))


def test_palette_masks_beside_colour_masks(tmp_path: Path) -> None:
    found, said, table = proposed(tmp_path, saved(tmp_path, [with_palette(MANY[0], range(5)), *PAINTED[1:]]))
    assert said == ["Palette masks and RGB masks: the colours are the classes."]
    np.testing.assert_array_equal(np.asarray(table.labels.palette)[np.asarray(found)], PAINTED)


def test_void_of_palettes_that_disagree_keeps_its_colour(tmp_path: Path) -> None:
    pictures = []
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 1, 3]):
        indices = np.argsort(order).astype(np.uint8)[MANY[0]]
        indices[:20] = VOID
        pictures.append(Image.fromarray(indices, "P"))
        pictures[-1].putpalette([*COLORS[order].ravel().tolist(), *[9] * (250 * 3), 224, 224, 192])
    found, _, table = proposed(tmp_path, saved(tmp_path, pictures))
    assert table.colors[224, 224, 192] == VOID and (found[0][:20] == VOID).all()


def test_void_beside_an_object_in_any_file_is_no_white(tmp_path: Path) -> None:
    void = [TWO[0].copy(), TWO[1].copy(), WHITE[2]]
    void[0][:40] = VOID
    _, said, table = proposed(tmp_path, saved(tmp_path, void))
    assert said == [] and table.ids == {255: VOID, 0: 0, 1: 1}


def test_a_photograph_on_a_flat_ground_is_no_blending(tmp_path: Path) -> None:
    """Its colours do not lie between those of the areas."""
    pictures = [white[..., None].repeat(3, axis=2) for white in WHITE]
    for seed, picture in enumerate(pictures):
        shown = photo(seed, 100, 60)
        picture[50:110, 50:150] = np.stack([shown[..., 0] // 8, shown[..., 1], 255 - shown[..., 2] // 8], axis=-1)
    with pytest.raises(DataError, match="more than 1020 different values"):
        propose(saved(tmp_path, pictures))


def test_one_class_and_void_teach_nothing(tmp_path: Path) -> None:
    _, said, table = proposed(tmp_path, saved(tmp_path, [np.where(two, 1, 255).astype(np.uint8) for two in TWO]))
    assert said == [
        "One class alone teaches nothing: if what is void, or a part of it, is the ground, make it a class."
    ]
    assert table.ids == {255: VOID, 1: 0}


def test_negative_values_are_void(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", MANY[0].astype(np.int16) - 1)
    found, _, table = proposed(tmp_path, [tmp_path / "a.tif"])
    assert table.ids == {-1: VOID, 0: 0, 1: 1, 2: 2, 3: 3}
    np.testing.assert_array_equal(found[0], np.where(MANY[0] == 0, VOID, MANY[0] - 1))


def test_transparent_ground_is_the_background(tmp_path: Path) -> None:
    """Of one colour that no class has, which the table then names; or of any, behind an id or colour of its own."""
    opacity = [np.where(many == 3, 0, 255).astype(np.uint8) for many in MANY]
    pictures = [np.dstack([*painted.transpose(2, 0, 1), one]) for painted, one in zip(PAINTED, opacity, strict=True)]
    for ground in (None, photo(0, 200, 160)):
        for picture, many in zip(pictures, MANY, strict=True):
            picture[many == 3, :3] = COLORS[3] if ground is None else ground[many == 3]
        found, said, table = proposed(tmp_path, saved(tmp_path, pictures))
        assert said[0].startswith("Transparent: ") and len(table.labels) == 5
        back = table.labels.names.index("background")
        np.testing.assert_array_equal(np.asarray(found) == back, np.asarray(MANY) == 3)
    ids = [np.dstack([np.where(many == 3, np.arange(200) % 5, many).astype(np.uint8), one])
           for many, one in zip(MANY, opacity, strict=True)]  # fmt: skip
    found, _, table = proposed(tmp_path, saved(tmp_path, ids))
    assert table.ids[-1] == table.labels.names.index("background")
    np.testing.assert_array_equal(np.asarray(found) == table.ids[-1], np.asarray(MANY) == 3)


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_photograph_among_masks_is_refused(tmp_path: Path, ending: str, channels: int) -> None:
    others = saved(tmp_path, MANY if channels == 1 else PAINTED)
    noise = np.random.default_rng(0).normal(scale=12, size=(160, 200, 3))
    picture = np.clip(photo(1, 200, 160) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(picture[..., 0] if channels == 1 else picture).save(tmp_path / f"photo.{ending}")
    with pytest.raises(DataError, match=rf"photo.{ending}: holds .* different values, and few areas of one value"):
        propose([*others, tmp_path / f"photo.{ending}"])


def test_fractions_and_channels_that_are_no_mask_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "half.npy", np.array([[0, 1], [1, 0.25]], np.float32))
    with pytest.raises(DataError, match=r"half.npy: row 1, column 1 holds 0.25, which is no whole number"):
        propose([tmp_path / "half.npy"])
    np.save(tmp_path / "deep.npy", np.random.default_rng(0).integers(0, 60000, (9, 9, 3), np.uint16))
    with pytest.raises(DataError, match=r"deep.npy: has three channels of uint16 that differ and are no 8-bit colours"):
        propose([tmp_path / "deep.npy"])
    np.save(tmp_path / "none.npy", np.full((4, 6), np.nan))
    with pytest.raises(DataError, match=r"none.npy: no pixel of this mask, or of any other, holds a value"):
        propose([tmp_path / "none.npy"])


def test_what_was_decided_of_single_files_is_said_once(tmp_path: Path) -> None:
    import tifffile

    for index in range(3):
        tifffile.imwrite(tmp_path / f"{index}.tif", np.stack([MANY[index]] * 2), photometric="minisblack")
    said = propose([tmp_path / f"{index}.tif" for index in range(3)]).found
    assert said == ("3 files: of several pages: the first is taken.",)
    remarks = Remarks()
    remarks.add("mended", tmp_path / "a", 3, 100)
    remarks.add("mended", tmp_path / "a", 3, 100)
    remarks.add("mended", tmp_path / "b", 1201, 99900)
    assert [remark.line for remark in remarks.all()] == ["2 files: 1,204 pixels (1.2 %) mended"]
