"""Which classes are rare, and crops that hold them."""

from itertools import islice
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.counted import write_labels
from PIL import Image

from casnet_cli.data.augmentation import augment, place_around, scaled_crop
from casnet_cli.data.loader import training_batches
from casnet_cli.data.rare_classes import ClassCrops, rare_classes
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID
from casnet_cli.recipe import AugmentationSection

MEAN = (10.0, 20.0, 30.0)


@pytest.mark.parametrize(
    ("pixels", "rare"),
    [
        ([992, 8], [1]),
        ([960, 40], [1]),
        ([950, 50], []),  # a twentieth is not rare
        ([0, 1000], []),  # nor what does not occur
        ([700, 220, 70, 10], [3]),  # 6 % at most of four classes, and 5 % of any number
        ([1000, 3, 0, 2], [3, 1]),
        ([10] * 150, []),
        ([0, 0], []),
    ],
)
def test_rare_is_a_twentieth_and_a_quarter_of_an_equal_share_at_most(pixels: list[int], rare: list[int]) -> None:
    assert rare_classes(pixels) == rare


def rows(cow: int, road: int = 0) -> list[list[int]]:
    """A label of 20 x 30 pixels, so many of them cow and road; the rest is sky."""
    flat = [2] * cow + [1] * road + [0] * (600 - cow - road)
    return [flat[k : k + 30] for k in range(0, 600, 30)]


@pytest.fixture
def cows(tmp_path: Path) -> Store:
    """Of eight training images two show a cow, and the road is common."""
    return write_labels(
        tmp_path / "cows.h5", [("train", rows(9 if k in (3, 6) else 0, 200)) for k in range(8)] + [("val", rows(50))]
    )


def test_the_file_says_which_image_shows_which_class(cows: Store) -> None:
    part = cows.parts()["train"]
    assert part.has_class_pixels and part.class_pixels().tolist()[2:4] == [[400, 200, 0], [391, 200, 9]]
    assert part.at([6, 0]).class_pixels().tolist() == [[391, 200, 9], [400, 200, 0]]
    assert cows.parts()["val"].class_pixels().tolist() == [[550, 0, 50]]


def test_half_of_the_crops_are_of_images_that_show_the_rare_class(cows: Store) -> None:
    crops = ClassCrops.of(cows.parts()["train"], 0.5)
    assert {k: own.tolist() for k, own in crops.holders.items()} == {2: [3, 6]}
    drawn = [crops.draw(0, np.random.default_rng(seed)) for seed in range(400)]
    chosen = [place for place, held in drawn if held == 2]
    assert len(chosen) == pytest.approx(200, abs=40) and set(chosen) == {3, 6}
    assert all(place == 0 for place, held in drawn if held is None)


def test_where_no_class_is_rare_it_is_the_rarest(tmp_path: Path) -> None:
    store = write_labels(tmp_path / "x.h5", [("train", rows(0, 200)), ("train", rows(0, 0)), ("val", rows(0))])
    assert list(ClassCrops.of(store.parts()["train"], 1.0).holders) == [1]


def test_batches_hold_the_class_and_are_a_function_of_seed_and_number(cows: Store) -> None:
    section = AugmentationSection(crop=17, scales=(1.0, 2.0), class_crops=1.0)
    part = cows.parts()["train"]
    whole = list(islice(training_batches(part, section, MEAN, 4, 0), 6))
    assert all((label == 2).any() for batch in whole for label in batch.label)
    assert {name for batch in whole for name in batch.names} == {"3", "6"}
    later = next(training_batches(part, section, MEAN, 4, 0, 5))
    np.testing.assert_array_equal(later.label, whole[5].label)
    auto = AugmentationSection(crop=17, class_crops="auto")
    plain = AugmentationSection(crop=17)
    one, two = (next(training_batches(part, own, MEAN, 4, 0)) for own in (auto, plain))
    np.testing.assert_array_equal(one.label, two.label)


def test_older_files_have_no_such_crops(cows: Store) -> None:
    cows.file.close()
    with h5py.File(cows.path, "r+") as file:
        del file["train/class_pixels"]
    part = Store(cows.path).parts()["train"]
    assert not part.has_class_pixels
    with pytest.raises(DataError, match=r"cows.h5: damaged or old: .*prepare it again"):
        ClassCrops.of(part, 0.5)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7, 3.0])
def test_a_crop_around_a_pixel_holds_it_and_lies_anywhere_around(scale: float) -> None:
    ids = np.zeros((90, 120), np.uint8)
    ids[40:43, 60:63] = 2
    label, image = Image.fromarray(ids), Image.fromarray(np.zeros((90, 120, 3), np.uint8))
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        place = place_around(label, 2, 33, scale, rng.uniform(size=2), rng)
        _, crop = scaled_crop(image, label, 33, scale, place, MEAN)
        assert (crop == 2).any() and (place >= 0).all() and (place <= 1).all()
        found.append(np.argwhere(crop == 2).mean(0))
    if scale >= 1:
        assert np.ptp(found, axis=0).min() > 20, "the class lies anywhere in the crop"


def test_vertical_mirror_and_quarter_turns_move_image_and_label_alike() -> None:
    ids = np.arange(33 * 33).reshape(33, 33) % 200
    pixels = np.repeat(ids[..., None], 3, -1).astype(np.uint8)
    image, label = Image.fromarray(pixels), Image.fromarray(ids.astype(np.uint8))
    expected = {
        "mirror_vertical": {ids[::-1].tobytes(), ids.tobytes()},
        "quarter_turns": {np.rot90(ids, turns).tobytes() for turns in range(4)},
    }
    for key, forms in expected.items():
        section = AugmentationSection(crop=33, scales=(1.0, 1.0), **{key: True})  # type: ignore[arg-type]
        crops = [augment(image, label, section, MEAN, np.random.default_rng(seed)) for seed in range(40)]
        assert {own.astype(ids.dtype).tobytes() for _, own in crops} == forms
        assert all((own_pixels == own_ids[..., None]).all() for own_pixels, own_ids in crops)


def test_new_settings_leave_the_crops_of_old_recipes_as_they_were() -> None:
    """Values of a crop from before vertical mirror, turns and class crops were settings."""
    y, x = np.mgrid[:60, :70]
    image = Image.fromarray(np.stack([x, y, x + y], -1).astype(np.uint8))
    label = Image.fromarray((x // 9).astype(np.uint8))
    section = AugmentationSection(crop=33, mirror=True, color_jitter=0.2)
    pixels, ids = augment(image, label, section, MEAN, np.random.default_rng(11))
    assert (int(pixels.sum()), int(ids.sum()), int((ids == VOID).sum())) == (114022, 3597, 0)
