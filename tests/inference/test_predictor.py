"""Prediction in Keras: passes against those computed and averaged by hand, batches, blocks and tiles."""

import numpy as np
import pytest
from helpers.networks import lively, picture, probabilities

from casnet_cli.inference import compiled, predictor, tiling
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.outputs import OF_BRANCHES, evaluation_outputs
from casnet_cli.inference.predictor import PASSES, InferenceSettings

pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.fixture(scope="module")
def model():
    model = lively()
    p = probabilities(model, picture(37, 50))["fused"]
    assert np.abs(p - p[:, ::-1]).max() > 0.01  # else no mistake would show
    return model


def everything(model, **settings: object) -> KerasPredictor:
    return KerasPredictor(model, InferenceSettings(**settings), OF_BRANCHES)  # type: ignore[arg-type]


def cells_by_hand(model, image: np.ndarray, scale: float) -> dict[str, np.ndarray]:
    """Logits of the cells from the log-probabilities on the grid, whose every 16th pixel is a cell."""
    height, width = (max(round(side * scale), 2) for side in image.shape[:2])
    sides = [16 * -(-(side - 1) // 16) + 1 for side in (height, width)]
    given = np.full((*sides, 3), 127.0)
    for channel in range(3):
        x = image[..., channel].astype(np.float64)
        for axis, count in ((0, height), (1, width)):
            places = np.linspace(0, x.shape[axis] - 1, count)
            x = np.apply_along_axis(lambda line, places=places: np.interp(places, np.arange(len(line)), line), axis, x)
        given[:height, :width, channel] = x
    outputs = model(given[None].astype(np.float32))
    return {name: np.asarray(x, np.float64)[0, ::16, ::16] for name, x in outputs.items() if name != "fused"}


def by_hand(model, image: np.ndarray, scale: float) -> dict[str, np.ndarray]:
    """(H, W, ·) probabilities: the cells' logits bilinear at the pixels of the image, softmax, eq. 8."""
    found = {}
    for name, x in cells_by_hand(model, image, scale).items():
        for axis, length in ((0, image.shape[0]), (1, image.shape[1])):
            size = max(round(length * scale), 2) if scale != 1 else length
            places = np.linspace(0, size - 1, length) / 16
            x = np.apply_along_axis(lambda line, places=places: np.interp(places, np.arange(len(line)), line), axis, x)
        p = np.exp(x - x.max(-1, keepdims=True))
        found[name] = p / p.sum(-1, keepdims=True)
    easy = found["attention"][..., 1:]
    return found | {"fused": easy * found["coarse"] + (1 - easy) * found["fine"]}


@pytest.mark.parametrize("tta", ["none", "flip", "multiscale"])
@pytest.mark.parametrize("scale", [1.0, 1.25])
def test_the_mean_of_the_passes(model, tta: str, scale: float) -> None:
    image = picture(37, 50, 1)
    scales, mirrored = PASSES[tta]
    passes = []
    for factor in scales:
        passes.append(by_hand(model, image, scale * factor))
        if mirrored:
            turned = by_hand(model, image[:, ::-1], scale * factor)
            passes.append({name: p[:, ::-1] for name, p in turned.items()})
    found = everything(model, tta=tta, scale=scale).predict(image)
    assert len(passes) == {"none": 1, "flip": 2, "multiscale": 8}[tta]
    for name in ("coarse", "fine", "fused"):
        np.testing.assert_allclose(np.moveaxis(found[name], 0, -1), np.mean([p[name] for p in passes], 0), atol=3e-4)
    np.testing.assert_allclose(found["difficult"], np.mean([p["attention"][..., 0] for p in passes], 0), atol=3e-4)


def test_the_outputs_of_a_mirrored_image_are_mirrored(model) -> None:
    network, image = everything(model, tta="flip"), picture(33, 49, 2)
    ours, mirrored = network.predict(image)["fused"], network.predict(image[:, ::-1])["fused"]
    np.testing.assert_allclose(ours[:, :, ::-1], mirrored, atol=1e-4)


def test_images_of_one_grid_share_batches_whatever_their_sizes(model) -> None:
    network, sizes = everything(model, scale=1.25), [(37, 50), (38, 51), (36, 50), (37, 65)]
    ready = [network.prepare(picture(*size, seed)) for seed, size in enumerate(sizes)]
    assert ready[0].batch_key == ready[1].batch_key == ready[2].batch_key != ready[3].batch_key
    for one, outputs in zip(ready[:3], network.predict_batch(ready[:3]), strict=True):
        np.testing.assert_allclose(outputs["fused"], network.predict(one.image)["fused"], atol=1e-5)
        assert outputs["difficult"].shape == one.image.shape[:2]


def test_batches_are_as_large_as_their_pixels_allow(model) -> None:
    network = everything(model)
    assert network.prepare(np.zeros((40, 40, 3), np.uint8)).batch_limit == predictor.BATCH
    assert network.prepare(np.zeros((1000, 1000, 3), np.uint8)).batch_limit == 1
    assert everything(model, batch=3).prepare(np.zeros((40, 40, 3), np.uint8)).batch_limit == 3


@pytest.mark.parametrize("settings", [{}, {"tta": "flip", "scale": 1.5}, {"tile": 49}, {"tile": 49, "tta": "flip"}])
def test_small_blocks_make_the_same_outputs(model, monkeypatch: pytest.MonkeyPatch, settings: dict) -> None:
    network, image = everything(model, **settings), picture(90, 131, 3)
    whole = network.predict(image)
    monkeypatch.setattr(predictor, "BLOCK_VALUES", 5 * 40 * 7)
    monkeypatch.setattr(predictor, "BLOCK_WIDTH", 40)
    blocks = list(next(network.predict_blocks([network.prepare(image)])))
    assert len(blocks) == 13 * 4
    covered = np.zeros(image.shape[:2], int)
    for rows, columns, outputs in blocks:
        covered[rows, columns] += 1
        np.testing.assert_allclose(outputs["fused"], whole["fused"][:, rows, columns], atol=1e-5)
    assert (covered == 1).all()


def test_one_tile_is_the_whole_image_and_several_nearly(model) -> None:
    image = picture(60, 81)
    whole, one = everything(model).predict(image), everything(model, tile=100).predict(image)
    np.testing.assert_array_equal(one["fused"], whole["fused"])
    several = everything(model, tile=65).predict(image)["fused"]
    assert several.shape == whole["fused"].shape and np.abs(several - whole["fused"]).max() > 1e-4
    np.testing.assert_allclose(several.sum(0), 1, atol=1e-5)


def test_tiles_are_blended_by_their_weights(model) -> None:
    # Three tiles of 3 cells side by side: the cells they share are weighted means of those of each tile.
    network, image = everything(model, tile=33, scale=1.0), picture(33, 81)
    (view,) = network.prepare(image).views
    assert view.parts[0] == [slice(0, 3)] and len(view.parts[1]) > 1
    sums, weights = np.zeros((3, 6, 5)), np.zeros((1, 6, 1))
    for part in view.parts[1]:
        cells = network.network.cells(network._input(image, view, slice(0, 3), part)[None])["coarse"][0]
        fade = tiling.fading(part, 6)[None, :, None]
        sums[:, part] += fade * cells
        weights[:, part] += fade
    logits = (sums / weights)[::2, ::1]
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    found = np.moveaxis(network.predict(image)["coarse"], 0, -1)[::32, ::16]
    np.testing.assert_allclose(found, p, atol=1e-4)


def test_a_large_image_is_cut_into_tiles_and_little_memory_makes_them_smaller(
    model, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = everything(model)
    assert network.prepare(np.zeros((1500, 2000, 3), np.uint8)).views[0].whole
    large = network.prepare(np.zeros((2500, 2000, 3), np.uint8)).views[0]
    assert not large.whole and large.parts[0][0].stop == (predictor.TILE - 1) // 16 + 1
    monkeypatch.setattr(predictor.memory, "memory_available", lambda: 2 * network.network.bytes_per_pixel * 600**2)
    small = network.prepare(np.zeros((1500, 2000, 3), np.uint8)).views[0]
    assert not small.whole and small.parts[0][0].stop == 600 // 16 + 1


def test_rows_of_tiles_are_made_when_they_are_needed_and_then_forgotten(model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor, "BLOCK_VALUES", 16 * 64 * 5)
    network, image = everything(model, tile=65), picture(400, 64)
    batches = []
    cells = network.network.cells
    monkeypatch.setattr(network.network, "cells", lambda images: (batches.append(len(images)), cells(images))[1])
    rows = len(network.prepare(image).views[0].parts[0])
    made = [len(batches) for _ in next(network.predict_blocks([network.prepare(image)]))]
    assert made[0] == 1 and made[-1] == rows and made == sorted(made) and len(set(made)) > rows / 2


def test_evaluation_outputs_work_with_every_setting(model) -> None:
    outputs = KerasPredictor(model, InferenceSettings("flip", 1.5, 65), evaluation_outputs(2.0)).predict(
        picture(60, 81)
    )
    assert outputs["mask"].shape == (60, 81) and {"calibrated", "coarse_margin", "fine"} <= set(outputs)


def test_few_images_get_the_same_outputs_uncompiled(
    model, compiled_again: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "SMALL", 30_000)
    for image in (picture(60, 81), picture(81, 161)):  # the second is compiled for
        for tta in ("none", "flip"):
            expected, found = (
                KerasPredictor(model, InferenceSettings(tta, few=few)).predict(image) for few in (False, True)
            )
            np.testing.assert_array_equal(found["mask"], expected["mask"])
            np.testing.assert_allclose(found["difficulty"], expected["difficulty"], atol=1e-5)
