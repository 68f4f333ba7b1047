"""Logits that are no numbers are an error of that image, whatever lies between them and the outputs."""

from collections.abc import Callable

import numpy as np
import pytest
from helpers.networks import lively, picture

from casnet_cli.data.intensities import Intensities
from casnet_cli.errors import RunError
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.predictor import InferenceSettings
from casnet_cli.inference.sound import NotNumbers, check_numbers
from casnet_cli.inference.stored_pixels import unmeasured

pytestmark = pytest.mark.usefixtures("uncompiled")

ZEROS = np.zeros((2, 3), np.float32)


def with_one(value: float) -> np.ndarray:
    """(2, 3) zeros but for one."""
    found = ZEROS.copy()
    found[1, 2] = value
    return found


@pytest.mark.parametrize("name", ["difficulty", "confidence"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.0, -1.0])
def test_one_value_that_is_no_fraction_suffices(name: str, value: float) -> None:
    with pytest.raises(NotNumbers, match="probabilities are no numbers"):
        check_numbers({"mask": np.zeros((2, 3), np.uint8), name: with_one(value)}, 2)
    check_numbers({name: with_one(1.001)}, 2)  # as integers round it


def test_ids_of_no_class_are_none_but_where_nothing_was_measured() -> None:
    mask = np.array([[0, 1], [1, 255]], np.uint8)
    with pytest.raises(RunError):
        check_numbers({"mask": mask}, 2)
    check_numbers({"mask": mask}, 2, mask == 255)
    with pytest.raises(NotNumbers):
        check_numbers({"mask": mask}, 2, mask == 0)
    check_numbers({"mask": np.zeros((0, 4), np.uint8), "difficulty": np.zeros((0, 4))}, 2)
    deep = Intensities("uint16", nodata=7.0)
    pixels = np.full((2, 2, 3), 9, np.uint16)
    pixels[1, 1] = 7
    assert unmeasured({"mask": mask}, pixels, deep, 2)["mask"][1, 1] == 255
    with pytest.raises(NotNumbers):
        unmeasured({"mask": mask}, pixels + 1, deep, 2)


WAYS = [
    ("coarse", np.nan, {}),
    ("attention", np.inf, {"tile": 33}),
    ("fine", -np.inf, {"tta": "flip"}),
    ("attention", np.nan, {"easy_below": 0.9}),
    ("fine", np.nan, {"easy_below": 0.0}),
]


@pytest.fixture
def spoilt() -> Callable[..., KerasPredictor]:
    """A predictor one of whose logits is another number in pictures whose corner is 255."""

    def made(branch: str, value: float, **settings: object) -> KerasPredictor:
        predictor = KerasPredictor(lively(), InferenceSettings(**settings))  # type: ignore[arg-type]
        cells = predictor.network.cells

        def changed(images: np.ndarray) -> dict[str, np.ndarray]:
            found = cells(images)
            found[branch][images[:, 0, 0, 0] == 255, 1, 1, 0] = value
            return found

        predictor.network.cells = changed  # type: ignore[method-assign]
        return predictor

    return made


@pytest.mark.parametrize(("branch", "value", "settings"), WAYS)
def test_in_every_way_of_prediction(
    spoilt: Callable[..., KerasPredictor], branch: str, value: float, settings: dict[str, object]
) -> None:
    predictor, good = spoilt(branch, value, **settings), picture(40, 50)
    bad = good.copy()
    good[0, 0], bad[0, 0] = 254, 255
    assert predictor.predict(good)["mask"].max() < 5
    with pytest.raises(NotNumbers):
        predictor.predict(bad)
