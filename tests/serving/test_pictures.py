"""Pictures that are no ordinary photographs."""

import io
import json

import numpy as np
import pytest
import tifffile
from helpers.datasets import FOUR_BANDS, FunctionPredictor, bands
from PIL import Image
from starlette.exceptions import HTTPException

from casnet_cli.data.intensities import PLAIN
from casnet_cli.inference.stored_pixels import unmeasured
from casnet_cli.labels import with_colors
from casnet_cli.serving.pictures import FORMS, Network, Wish, predicted

LABELS = with_colors(("low", "high"))
GEO_KEYS = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632)
"""EPSG:32632, as GeoTIFF's tag has it."""


def outputs(image: np.ndarray) -> dict[str, np.ndarray]:
    """The last band decides."""
    mask = (image[..., -1] > 2000).astype(np.uint8)
    return {"mask": mask, "difficulty": np.full(mask.shape, 0.2), "confidence": np.full(mask.shape, 0.8)}


FOUR = Network(FunctionPredictor(outputs), LABELS, FOUR_BANDS)


def tiff(values: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="rgb", extrasamples=["unspecified"], **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((5, 6, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_deep_pictures_of_several_bands() -> None:
    values = bands(1)
    found = json.loads(FORMS["application/json"](predicted(tiff(values), FOUR), Wish(picture=True)))
    assert found["classes"]["high"] == pytest.approx((values[..., 3] > 2000).mean(), abs=1e-6)
    assert found["picture"].startswith("data:image/jpeg") and found["difficulty_mean"] == pytest.approx(0.2)


def test_pictures_of_other_bands_are_refused_in_words() -> None:
    with pytest.raises(HTTPException) as fault:
        predicted(photo(), FOUR)
    assert fault.value.status_code == 400 and fault.value.detail.startswith("picture: has 3 bands (red, green, blue)")


def test_logits_that_are_no_numbers_are_an_answer() -> None:
    def spoilt(image: np.ndarray) -> dict[str, np.ndarray]:
        outputs = {"difficulty": np.full(image.shape[:2], np.nan, np.float32)}
        return unmeasured(outputs, image, PLAIN, len(LABELS))

    with pytest.raises(HTTPException) as fault:
        predicted(photo(), Network(FunctionPredictor(spoilt), LABELS))
    assert fault.value.status_code == 422 and fault.value.detail.startswith("picture: its probabilities are no numbers")


def test_geojson_of_a_picture_on_a_map_has_its_coordinates() -> None:
    place = [(33550, "d", 3, (2.0, 2.0, 0.0), True), (33922, "d", 6, (0, 0, 0, 100.0, 50.0, 0), True)]
    content = tiff(bands(1), extratags=[*place, (34735, "H", len(GEO_KEYS), GEO_KEYS, True)])
    found = json.loads(FORMS["application/geo+json"](predicted(content, FOUR), Wish()))
    assert found["crs"]["properties"]["name"].endswith("32632")
    corners = np.concatenate([np.array(each["geometry"]["coordinates"][0]) for each in found["features"]])
    assert corners.min(axis=0).tolist() == [100, 50 - 2 * 40] and corners.max(axis=0).tolist() == [100 + 2 * 48, 50]


def test_what_a_file_leaves_open_is_noted() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((5, 6, 4), np.uint8)).save(buffer, "PNG")
    found = predicted(buffer.getvalue(), Network(FunctionPredictor(outputs), LABELS))
    assert found.notes == ("a channel is marked as alpha: laid on white where transparent",)


def test_memory_is_counted_before_pixels_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casnet_cli.util.memory.memory_available", lambda: 100)
    with pytest.raises(HTTPException) as fault:
        predicted(photo(), Network(FunctionPredictor(outputs), LABELS))
    assert fault.value.status_code == 413 and "megapixels need" in fault.value.detail
