"""Files of an untrained but lively network in their runtimes; each is written once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.datasets import LABELS, blocks
from helpers.networks import lively, picture

from casnet_cli import recipe as recipes
from casnet_cli.errors import RunError
from casnet_cli.export import formats, litert_format, onnx_format, quantize, saved_model_format
from casnet_cli.export.base import PRECISIONS, ExportFormat, ExportSpec
from casnet_cli.export.metadata import describe, put_behind
from casnet_cli.export.runtime import ExportedPredictor, open_session, predict_function
from casnet_cli.inference.keras_predictor import KerasPredictor
from casnet_cli.inference.predictor import InferenceSettings
from casnet_cli.inference.sound import NotNumbers
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.progress import Progress
from casnet_cli.runs.trained import TrainedRun

SCALE, CLASSES = 1.25, len(LABELS)
SIZES = [(37, 50), (80, 33), (49, 65), (40, 160)]
BACKBONE = "efficientnet-lite0"
"""Of the files that halves and integers are made of; elsewhere the tests' own is as good."""


def spec(**more) -> ExportSpec:
    chosen = recipes.load(recipes.find("folder"), [f"evaluation.scale={SCALE}"])
    meta = Meta(chosen, LABELS, "blocks", "0" * 64, None, Progress(1), {}, {"temperature": 2.0})
    chosen = {"precision": "float32", "size": None, "probabilities": True, **more}
    run = TrainedRun(Path("best.h5"), meta, Path("runs/some"))
    about = describe(run, "1" * 64, chosen["precision"], chosen["size"], chosen["probabilities"])
    return ExportSpec(chosen["precision"], chosen["size"], SCALE, chosen["probabilities"], about)


def pretrained():
    return lively(CLASSES, backbone=BACKBONE, weights="imagenet")


@pytest.fixture(scope="module")
def keras() -> KerasPredictor:
    return KerasPredictor(pretrained(), InferenceSettings(scale=SCALE))


@pytest.fixture(scope="module")
def tiny_keras() -> KerasPredictor:
    return KerasPredictor(lively(CLASSES), InferenceSettings(scale=SCALE))


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return onnx_format.write(pretrained(), spec(), tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="module")
def litert_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return litert_format.write(pretrained(), spec(), tmp_path_factory.mktemp("litert"))


@pytest.fixture(params=["onnx", "litert"])
def file(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(f"{request.param}_file")


def agree(ours, theirs, images: list[np.ndarray]) -> float:
    """Share of equal pixels; that the masks show more than one class keeps it from meaning nothing."""
    pairs = [(ours(image)["mask"], theirs(image)["mask"]) for image in images]
    assert len(np.unique(np.concatenate([mask.ravel() for _, mask in pairs]))) > 1
    return float(np.mean(np.concatenate([(a == b).ravel() for a, b in pairs])))


def test_any_size_equals_keras(file: Path, keras: KerasPredictor) -> None:
    ours = ExportedPredictor(file)
    for size in SIZES:
        image = picture(*size)
        expected, found = keras.predict(image), ours.predict(image)
        assert (found["mask"] == expected["mask"]).mean() > 0.999
        np.testing.assert_allclose(found["difficulty"], expected["difficulty"], atol=1e-4)


def test_several_images_at_once_are_several_images(file: Path) -> None:
    ours = ExportedPredictor(file)
    images = [picture(37, 50, seed) for seed in range(3)]
    for one, image in zip(ours.predict_batch([ours.prepare(image) for image in images]), images, strict=True):
        for name, x in ours.predict(image).items():
            np.testing.assert_allclose(one[name], x, atol=1e-5)


def test_confidence_is_the_calibrated_probability(file: Path) -> None:
    outputs = ExportedPredictor(file).predict(picture(37, 50))
    p = np.asarray(outputs["probabilities"], np.float64)
    np.testing.assert_allclose(p.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(p.argmax(0), outputs["mask"])
    cooled = np.exp(np.log(p) / 2)  # at temperature 2
    np.testing.assert_allclose(outputs["confidence"], (cooled / cooled.sum(0)).max(0), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("mask", np.zeros((1, 5, 4), np.uint8), r"gives \(1, 5, 4\) uint8 for mask, not \(1, 4, 5\) uint8"),
        ("mask", np.zeros((1, 4, 5), np.int64), "int64 for mask"),
        ("difficulty", None, "gives nothing for difficulty"),
        ("difficulty", np.zeros((1, 4, 5, 1), np.float32), "for difficulty"),
        ("probabilities", np.zeros((1, 4, 5, CLASSES + 1), np.float32), "for probabilities"),
        ("mask", np.full((1, 4, 5), CLASSES, np.uint8), "its probabilities are no numbers"),
        ("difficulty", np.full((1, 4, 5), np.nan, np.float32), "its probabilities are no numbers"),
        ("probabilities", np.full((1, 4, 5, CLASSES), np.nan, np.float32), "its probabilities are no numbers"),
    ],
)
def test_outputs_that_are_not_those_promised_are_refused(
    onnx_file: Path, name: str, given: np.ndarray | None, words: str
) -> None:
    ours, image = ExportedPredictor(onnx_file), picture(4, 5)
    found = ours._session({"image": image[None]}) | {name: given}
    ours._session = lambda inputs: {key: x for key, x in found.items() if x is not None}
    with pytest.raises(RunError, match=words):
        ours.predict(image)


@pytest.mark.parametrize("format", [onnx_format, litert_format])
def test_logits_that_are_no_numbers_show_in_the_outputs(format, tmp_path: Path) -> None:
    """LiteRT's own arithmetic makes a number of them, the file all the same not."""
    model = lively(CLASSES)
    logits = model.get_layer("coarse_logits")
    bias = logits.bias.numpy()
    logits.bias.assign(np.where(np.arange(CLASSES) == 1, np.nan, bias))
    try:
        file = format.write(model, spec(probabilities=False), tmp_path)
    finally:
        logits.bias.assign(bias)
    with pytest.raises(NotNumbers):
        ExportedPredictor(file).predict(picture(37, 50))


def test_what_the_file_says_of_itself(file: Path) -> None:
    about = ExportedPredictor(file).description
    assert about["classes"] == list(LABELS.names) and about["void"] == 255
    assert about["palette"] == [list(color) for color in LABELS.palette]
    assert ExportedPredictor(file).run.meta.labels == LABELS and ExportedPredictor(file).run.meta.temperature == 2.0


def test_the_onnx_file_is_valid_by_name_and_without_operators_of_its_own(onnx_file: Path) -> None:
    model = onnx.load(onnx_file)
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import if opset.domain in ("", "ai.onnx")] == [
        ("", onnx_format.OPSET)
    ]
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    shapes = {
        tensor.name: [axis.dim_param or axis.dim_value for axis in tensor.type.tensor_type.shape.dim]
        for tensor in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "image": ["batch", "height", "width", 3],
        "mask": ["batch", "height", "width"],
        "difficulty": ["batch", "height", "width"],
        "probabilities": ["batch", "height", "width", CLASSES],
    }
    assert [output.name for output in model.graph.output] == ["mask", "difficulty", "probabilities"]
    assert json.loads({entry.key: entry.value for entry in model.metadata_props}["classes"]) == list(LABELS.names)


def test_no_dilated_convolution_is_taken_apart(onnx_file: Path) -> None:
    kinds = {node.op_type for node in onnx.load(onnx_file).graph.node}
    assert not kinds & {"SpaceToDepth", "DepthToSpace"}


def test_half_precision_halves_the_file(onnx_file: Path, keras: KerasPredictor, tmp_path: Path) -> None:
    model = onnx.load(onnx_file)
    onnx_format._halve(model.graph)
    onnx.save(model, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").stat().st_size < 0.6 * onnx_file.stat().st_size
    half = ExportedPredictor(tmp_path / "model.onnx")
    assert agree(half.predict, keras.predict, [picture(*size) for size in SIZES]) > 0.98


def test_integers_in_onnx(onnx_file: Path, keras: KerasPredictor, tmp_path: Path) -> None:
    shutil.copy(onnx_file, tmp_path / "model.onnx")
    images = [picture(*size, seed=9) for size in SIZES]
    quantize.onnx(tmp_path / "model.onnx", images, BACKBONE)
    assert (tmp_path / "model.onnx").stat().st_size < 0.5 * onnx_file.stat().st_size
    predict = opened_without_description(tmp_path / "model.onnx")
    assert agree(predict, keras.predict, images) > 0.8


def opened_without_description(file: Path):
    import onnxruntime

    session = onnxruntime.InferenceSession(file)
    return lambda image: {"mask": session.run(["mask"], {"image": image[None]})[0][0]}


def test_integers_in_litert(litert_file: Path, keras: KerasPredictor, tmp_path: Path) -> None:
    images = [picture(*size, seed=9) for size in SIZES]
    (tmp_path / "model.tflite").write_bytes(quantize.litert(litert_file.read_bytes(), images, BACKBONE))
    assert (tmp_path / "model.tflite").stat().st_size < 0.5 * litert_file.stat().st_size
    put_behind(tmp_path / "model.tflite", spec().description)
    assert agree(ExportedPredictor(tmp_path / "model.tflite").predict, keras.predict, images) > 0.8


def test_a_saved_model(tiny_keras: KerasPredictor, tmp_path: Path) -> None:
    target = saved_model_format.write(lively(CLASSES), spec(), tmp_path)
    assert agree(saved_model_format.load(target), tiny_keras.predict, [picture(*size) for size in SIZES]) > 0.999
    assert json.loads((target / "assets.extra" / "casnet.json").read_text())["classes"] == list(LABELS.names)


def test_a_file_of_one_size_says_so_of_others(litert_file: Path, tmp_path: Path) -> None:
    ours = ExportedPredictor(litert_file)
    ours.description["size"] = [40, 48]
    with pytest.raises(ValueError, match="is 37x50 pixels, and this model for 40x48"):
        ours.prepare(picture(37, 50))
    ours.description["size"] = None
    with pytest.raises(ValueError, match="megapixels are too many"):
        ours.prepare(np.zeros((2049, 2050, 3), np.uint8))


DAMAGED = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "text": lambda content: b"no model",
    "foreign": lambda content: blocks(0).image,
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files_are_one_line(file: Path, tmp_path: Path, kind: str) -> None:
    bad = tmp_path / file.name
    bad.write_bytes(DAMAGED[kind](file.read_bytes()))
    with pytest.raises(RunError, match=f"{bad}: not a"):
        open_session(bad)


def test_models_of_other_programs_are_refused(onnx_file: Path, tmp_path: Path) -> None:
    model = onnx.load(onnx_file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(RunError, match="not a model exported by casnet"):
        open_session(tmp_path / "model.onnx")
    with pytest.raises(RunError, match="no such file"):
        open_session(tmp_path / "none.onnx")


# The table

ARRAYS = "arrays.npz"


def write_arrays(model, spec: ExportSpec, folder: Path) -> Path:
    np.savez(folder / ARRAYS, colors=np.asarray(LABELS.palette), description=json.dumps(spec.description))
    return folder / ARRAYS


def open_arrays(file: Path):
    content = np.load(file)
    colors = content["colors"].astype(np.int64)

    def run(inputs):
        distances = np.abs(inputs["image"][..., None, :].astype(np.int64) - colors).sum(-1)
        return {"mask": distances.argmin(-1).astype(np.uint8), "difficulty": np.zeros(distances.shape[:3], np.float32)}

    return run, json.loads(str(content["description"]))


ARRAY_FORMAT = ExportFormat(name="arrays", file=ARRAYS, write=write_arrays, open_session=open_arrays)


def test_a_further_format_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(formats.FORMATS, "arrays", ARRAY_FORMAT)
    file = formats.FORMATS["arrays"].write(None, spec(probabilities=False), tmp_path)
    assert formats.engine_of(file) == "arrays" and "arrays" in formats.engines()
    predictor = ExportedPredictor(file)
    assert not predictor.has_probabilities and predictor.run.meta.labels == LABELS
    image = np.asarray(LABELS.palette, np.uint8)[np.array([[0, 1], [2, 0]])]
    np.testing.assert_array_equal(predictor.predict(image)["mask"], [[0, 1], [2, 0]])
    np.testing.assert_array_equal(predict_function(file)(image)["mask"], [[0, 1], [2, 0]])


@pytest.mark.parametrize(
    ("name", "format", "engine"),
    [
        ("model.onnx", "onnx", "onnx"),
        ("other.onnx", "onnx", "onnx"),
        ("model.tflite", "litert", "litert"),
        ("saved_model", "savedmodel", None),
        ("best.h5", None, None),
        ("runs", None, None),
    ],
)
def test_a_format_is_known_by_the_name_of_its_file(name: str, format: str | None, engine: str | None) -> None:
    found = formats.format_of(Path("folder") / name)
    assert (found and found.name) == format and formats.engine_of(Path("folder") / name) == engine


def test_every_format_can_be_run() -> None:
    for name, each in formats.FORMATS.items():
        assert each.name == name and bool(each.open_session) != bool(each.load)
        assert bool(each.runtime) == bool(each.open_session) and set(each.precisions) <= set(PRECISIONS)


def test_the_table_costs_nothing_to_import() -> None:
    heavy = "numpy", "h5py", "keras", "tensorflow", "onnx", "onnxruntime", "ai_edge_litert"
    code = f"import sys, casnet_cli.export.formats; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
