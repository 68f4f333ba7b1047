"""Files for pictures of other types and bands: what they take, and that they compute what Keras does."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.datasets import FOUR_BANDS, LABELS
from helpers.networks import lively

from casnet_cli import recipe as recipes
from casnet_cli.data.intensities import Intensities
from casnet_cli.export import litert_format, onnx_format, saved_model_format
from casnet_cli.export.base import ExportSpec
from casnet_cli.export.mapping import absent, seen
from casnet_cli.export.metadata import describe
from casnet_cli.export.runtime import ExportedPredictor, open_session, two_files
from casnet_cli.export.tracing import Traced, image_input
from casnet_cli.export.verify import fitted
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.predictor import InferenceSettings
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.progress import Progress
from casnet_cli.runs.trained import TrainedRun

SCALE, CLASSES = 1.25, len(LABELS)
KINDS = {
    "uint16": replace(FOUR_BANDS, nodata=0.0),
    "int16": Intensities("int16", ("a", "b"), (-500.0, 0.0), (1500.0, 900.0), nodata=-9999.0),
    "float32": Intensities("float32", ("elevation",), (-1.0,), (1.0,)),
    "uint32": Intensities("uint32", ("red", "green", "blue"), (0.0,) * 3, (4e9,) * 3, nodata=4294967295.0),
    "uint8": Intensities("uint8", ("a", "b", "c", "d", "e"), (0.0,) * 5, (255.0,) * 5),
    "int32": Intensities("int32", ("a", "b", "c"), (-1e6,) * 3, (1e6,) * 3, nodata=-2147483648.0),
    "int8": Intensities("int8", ("a", "b", "c"), (-128.0,) * 3, (127.0,) * 3, nodata=-1.0),
}


def stored(intensities: Intensities, height: int = 37, width: int = 50) -> np.ndarray:
    """(H, W, N) with structure, values beyond the range, and a corner without measurements if there can be one."""
    rng = np.random.default_rng(0)
    shape = (height, width, len(intensities.bands))
    coarse = rng.uniform(-0.1, 1.1, (height // 8 + 1, width // 8 + 1, shape[2])).repeat(8, 0).repeat(8, 1)
    share = coarse[:height, :width] + rng.uniform(-0.05, 0.05, shape)
    values = share * (np.asarray(intensities.high) - intensities.low) + intensities.low
    kind = np.dtype(intensities.dtype)
    if kind.kind != "f":
        values = np.clip(np.rint(values), np.iinfo(kind).min + 1, np.iinfo(kind).max - 1)
    values = values.astype(kind)
    values[:9, :7] = (
        np.nan if kind.kind == "f" else values[:9, :7] if intensities.nodata is None else intensities.nodata
    )
    if intensities.nodata is not None:
        values[20, 20, 0] = intensities.nodata  # in one band alone
    return values


def expected_seen(pixels: np.ndarray, intensities: Intensities, mean: float) -> np.ndarray:
    """In double precision."""
    low, high = np.asarray(intensities.low), np.asarray(intensities.high)
    found = np.clip((pixels.astype(np.float64) - low) / (high - low), 0, 1) * 255
    gone = np.isnan(pixels.astype(np.float64)) | (pixels.astype(np.float64) == intensities.nodata)
    return np.where(gone.all(axis=-1, keepdims=True), mean, found)


@pytest.mark.parametrize("name", KINDS)
def test_the_graph_maps_as_documented(name: str) -> None:
    intensities = KINDS[name]
    pixels = stored(intensities)
    found = np.asarray(seen(pixels[None], intensities, (100.0,) * pixels.shape[-1]))[0]
    np.testing.assert_allclose(found, expected_seen(pixels, intensities, 100.0), atol=2e-3)
    gone = absent(pixels[None], intensities)
    assert (gone is None) == (name == "uint8")
    if gone is not None:
        corner = np.zeros(pixels.shape[:2], bool)
        corner[:9, :7] = True
        np.testing.assert_array_equal(np.asarray(gone)[0], corner | np.asarray(intensities.absent(pixels)))


def test_a_value_for_no_data_that_no_pixel_can_have_is_left_out() -> None:
    for nodata in (-9999.0, 0.5, float("nan"), 70000.0):
        assert absent(np.zeros((1, 2, 2, 4), np.uint16), replace(FOUR_BANDS, nodata=nodata)) is None


def spec(intensities: Intensities, **more: object) -> ExportSpec:
    bands = len(intensities.bands)
    chosen = recipes.load(recipes.find("folder"), [f"evaluation.scale={SCALE}", f"model.input_bands={bands}"])
    meta = Meta(chosen, LABELS, "bands", "0" * 64, None, Progress(1), {}, intensities=intensities)
    about = describe(TrainedRun(Path("best.h5"), meta, Path("runs/some")), "1" * 64, "float32", None, True)
    return ExportSpec("float32", None, SCALE, True, about, intensities=intensities)


@cache
def keras_of(name: str) -> KerasPredictor:
    model = lively(CLASSES, input_bands=len(KINDS[name].bands))
    return KerasPredictor(model, InferenceSettings(scale=SCALE), intensities=KINDS[name])


def mapped_by_onnx(traced: Traced, image: np.ndarray, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(traced.onnx(onnx_format.OPSET).SerializeToString())
    found, gone = session.run(["found", "gone"], {"image": image})
    return found, gone


def mapped_by_litert(traced: Traced, image: np.ndarray, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    (folder / "model.tflite").write_bytes(traced.litert())
    outputs = Interpreter(str(folder / "model.tflite")).get_signature_runner()(image=image)
    return outputs["found"], outputs["gone"]


@pytest.mark.parametrize("name", [name for name in KINDS if name != "uint8"])
@pytest.mark.parametrize("run", [mapped_by_onnx, mapped_by_litert])
def test_every_type_is_mapped_by_the_runtimes(name: str, run: Callable[..., Any], tmp_path: Path) -> None:
    intensities, image = KINDS[name], stored(KINDS[name])[None]
    mean = (100.0,) * image.shape[-1]

    def call(image: Any) -> dict[str, Any]:
        return {"found": seen(image, intensities, mean), "gone": absent(image, intensities)}

    found, gone = run(Traced(call, [image_input(None, intensities)]), image, tmp_path)
    np.testing.assert_allclose(found[0], expected_seen(image[0], intensities, 100.0), atol=2e-3)
    assert gone[0, :9, :7].all() and gone.sum() == 9 * 7 + (image.shape[-1] == 1 and name != "float32")


@pytest.mark.parametrize("kind", [onnx_format, litert_format], ids=["onnx", "litert"])
def test_a_file_computes_what_keras_does(kind: object, tmp_path: Path) -> None:
    name = "uint16"
    intensities, image = KINDS[name], stored(KINDS[name])
    file = kind.write(lively(CLASSES, input_bands=image.shape[-1]), spec(intensities), tmp_path)  # type: ignore[attr-defined]
    ours = ExportedPredictor(file)
    expected, found = keras_of(name).predict(image), ours.predict(image)
    assert (found["mask"] == expected["mask"]).mean() > 0.999 and len(np.unique(found["mask"])) > 1
    np.testing.assert_allclose(found["difficulty"], expected["difficulty"], atol=1e-4)
    assert (found["mask"][:9, :7] == 255).all() and not found["difficulty"][:9, :7].any()
    assert not found["confidence"][:9, :7].any() and found["mask"][20, 20] != 255
    assert ours.run.meta.intensities == intensities
    assert f"{image.shape[-1]}) {name}: {intensities.bands[0]} " in ours.description["inputs"]["image"]
    with pytest.raises(ValueError, match="and this run takes"):
        ours.prepare(image.astype(np.float64))


def test_a_saved_model_takes_stored_values(tmp_path: Path) -> None:
    image = stored(FOUR_BANDS)
    folder = saved_model_format.write(lively(CLASSES, input_bands=4), spec(KINDS["uint16"]), tmp_path)
    found, expected = saved_model_format.load(folder)(image), keras_of("uint16").predict(image)
    assert (found["mask"] == expected["mask"]).mean() > 0.999
    np.testing.assert_allclose(found["difficulty"], expected["difficulty"], atol=1e-4)


def test_two_files_keep_what_was_not_measured(tmp_path: Path) -> None:
    image = stored(KINDS["uint16"])
    file = onnx_format.write_parts(lively(CLASSES, input_bands=4), spec(KINDS["uint16"]), tmp_path)
    coarse = open_session(file)[0]({"image": image[None]})
    assert (coarse["mask"][0, :9, :7] == 255).all() and not coarse["difficulty"][0, :9, :7].any()
    found, expected = two_files(file)(image), keras_of("uint16").predict(image)
    assert (found["mask"] == expected["mask"]).mean() > 0.999


def test_images_of_a_size_are_made_by_the_nearest_pixel() -> None:
    from casnet_cli.data.loader import WholeSample

    image = stored(KINDS["uint16"], 40, 60)
    sample = WholeSample("a", image, np.arange(40 * 60, dtype=np.uint8).reshape(40, 60))
    found = fitted(sample, (20, 30), 1.0)
    assert found.image.dtype == np.uint16
    np.testing.assert_array_equal(found.image, image[1::2, 1::2])
    np.testing.assert_array_equal(found.label, sample.label[1::2, 1::2])
