"""What `Segmenter.predict` takes, with a plain function in the network's place."""

import errno
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from helpers.cli import tiny_settings
from helpers.datasets import FOUR_BANDS, LABELS, FunctionPredictor, bands, write_blocks
from PIL import Image

from casnet_cli import api
from casnet_cli.api import Segmenter
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import InputError, RecipeError
from casnet_cli.inference.stored_pixels import unmeasured
from casnet_cli.workflows.train.session import TrainOptions

GREY = Intensities("uint16", ("grey",), (0.0,), (4095.0,))


@pytest.fixture
def got() -> list[np.ndarray]:
    """The images that the network was given."""
    return []


def segmenter(got: list[np.ndarray], intensities: Intensities) -> Segmenter:
    def outputs(image: np.ndarray) -> dict[str, np.ndarray]:
        got.append(image)
        size = image.shape[:2]
        return {"mask": np.zeros(size, np.uint8), "difficulty": np.zeros(size), "probabilities": np.zeros((3, *size))}

    return Segmenter(FunctionPredictor(outputs), LABELS, intensities)


def test_arrays_and_files_of_a_run_on_four_bands(got: list[np.ndarray], tmp_path: Path) -> None:
    pixels, model = bands(1), segmenter(got, FOUR_BANDS)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", planarconfig="contig")
    for given in (pixels, tmp_path / "a.tif", str(tmp_path / "a.tif")):
        assert model.predict(given).probabilities.shape == (*pixels.shape[:2], 3)
        np.testing.assert_array_equal(got[-1], pixels)
        assert got[-1].dtype == np.uint16
    assert model.intensities == FOUR_BANDS


def test_a_pillow_image_of_a_run_on_grey_of_16_bits(got: list[np.ndarray]) -> None:
    pixels = np.arange(20, dtype=np.uint16).reshape(4, 5) * 200
    segmenter(got, GREY).predict(Image.fromarray(pixels))
    np.testing.assert_array_equal(got[0], pixels[..., None])


@pytest.mark.parametrize(
    ("intensities", "image", "expected"),
    [
        (FOUR_BANDS, bands(1)[..., :3], r"uint16 \(40, 48, 3\) \(\(H, W, 4\) uint16\)"),
        (FOUR_BANDS, bands(1).astype(np.float32), r"float32 .* \(\(H, W, 4\) uint16\)"),
        (FOUR_BANDS, bands(1)[:0], r"\(\(H, W, 4\) uint16\)"),
        (FOUR_BANDS, Image.new("RGB", (4, 5)), r"uint8 \(5, 4, 3\) \(\(H, W, 4\) uint16\)"),
        (GREY, Image.new("RGB", (4, 5)), r"\(\(H, W, 1\) uint16\)"),
        (PLAIN, bands(1), r"\(\(H, W, 3\) uint8 RGB\)"),
        (PLAIN, Image.new("I;16", (4, 5)), r"uint16 \(5, 4, 1\) \(\(H, W, 3\) uint8 RGB\)"),
        (PLAIN, Image.new("F", (4, 5)), r"float32 .* \(\(H, W, 3\) uint8 RGB\)"),
    ],
)
def test_others_are_refused(got: list[np.ndarray], intensities: Intensities, image: Any, expected: str) -> None:
    with pytest.raises(InputError, match=f"^image: .*{expected}$"):
        segmenter(got, intensities).predict(image)
    assert not got


def test_a_deep_file_for_a_run_on_8_bits_is_refused(got: list[np.ndarray], tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 5), 4000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(InputError, match="deep.png: has 16-bit values.*--range"):
        segmenter(got, PLAIN).predict(tmp_path / "deep.png")


def test_logits_that_are_no_numbers_are_a_fault_of_the_image(tmp_path: Path) -> None:
    def spoilt(image: np.ndarray) -> dict[str, np.ndarray]:
        outputs = {"mask": np.full(image.shape[:2], 255, np.uint8)}
        return unmeasured(outputs, image, PLAIN, len(LABELS))

    Image.new("RGB", (4, 5)).save(tmp_path / "a.png")
    model = Segmenter(FunctionPredictor(spoilt), LABELS)
    for given, name in ((tmp_path / "a.png", r"a\.png"), (Image.new("RGB", (4, 5)), "image")):
        with pytest.raises(InputError, match=f"{name}: its probabilities are no numbers"):
            model.predict(given)


def test_a_list_and_what_can_be_done_with_a_prediction(got: list[np.ndarray], tmp_path: Path) -> None:
    image = np.full((6, 8, 3), 100, np.uint8)
    first, second = segmenter(got, PLAIN).predict([image, Image.fromarray(image)])
    np.testing.assert_array_equal(first.mask, second.mask)
    overlay = np.asarray(first.overlay())
    red = np.asarray(LABELS.palette[0])
    np.testing.assert_allclose(overlay[0, 0], 0.45 * 100 + 0.55 * red, atol=1)
    assert repr(first) == "Prediction(8x6, red 100%)" and first.shares() == {"red": 1.0}
    assert first._repr_png_().startswith(b"\x89PNG")
    first.save(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.mode == "P" and (np.asarray(mask) == 0).all() and tuple(mask.getpalette()[:3]) == LABELS.palette[0]
    first.save(tmp_path / "over.jpg", "overlay")
    first.save(tmp_path / "hard.png", "difficulty")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["hard.png", "mask.png", "over.jpg"]
    for name in ("mask.jpg", "no/mask.png"):
        with pytest.raises(InputError, match=name):
            first.save(tmp_path / name)
    for name in ("over", "over.xyz"):
        with pytest.raises(InputError, match=f"{name}: cannot be written: no format"):
            first.save(tmp_path / name, "overlay")


def test_a_picture_is_written_whole_or_not_at_all(
    got: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = segmenter(got, PLAIN).predict(np.full((6, 8, 3), 100, np.uint8))
    found.save(tmp_path / "mask.png")
    before = (tmp_path / "mask.png").read_bytes()

    def full_disk(path: Path, content: bytes) -> int:
        with open(path, "wb") as file:
            file.write(content[:20])
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(InputError, match=r"mask.png: cannot be written: No space left"):
        found.save(tmp_path / "mask.png")
    assert (tmp_path / "mask.png").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.usefixtures("tiny", "uncompiled")
def test_train_evaluate_and_load_give_records_and_print_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_blocks(tmp_path / "data" / "blocks.h5", {"train": 4, "val": 1, "test": 1})
    words = tiny_settings("training.epochs=1", "evaluation.samples=0")[1::2]
    settings = {key: tomllib.loads(f"x={value}")["x"] for key, _, value in (word.partition("=") for word in words)}
    run = api.train("folder", settings=settings)
    record = api.evaluate(split="test")
    assert run.folder == Path("runs/blocks-001") and run.meta.progress.epochs == 1 and record.images == 1
    stored = json.loads((tmp_path / "runs/blocks-001/eval/test/metrics.json").read_text())
    assert record.pixel_accuracy == stored["pixel_accuracy"]
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
    result = api.load(run.folder).predict(np.zeros((20, 30, 3), np.uint8))
    assert result.mask.shape == (20, 30) and result.probabilities.shape == (20, 30, 3)
    api.evaluate(run.folder, split="val", progress=True)
    assert "evaluating runs/blocks-001" in capsys.readouterr().err
    with pytest.raises(RecipeError, match="epoch_s"):
        api.train("folder", settings={"training.epoch_s": 3})


def test_build_casnet_takes_keys_of_the_recipes() -> None:
    model = api.build_casnet(3, backbone="efficientnet-lite0", output_stride=32, branch_channels=16, weights="none")
    assert set(model.output) == {"coarse", "attention", "fine", "fused"} and model.output["fused"].shape[-1] == 3
    with pytest.raises(RecipeError, match="model.backbon"):
        api.build_casnet(3, backbon="x")


def test_train_hands_every_option_over(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[TrainOptions] = []

    def work(options: TrainOptions) -> None:
        got.append(options)
        raise InputError("enough")

    monkeypatch.setattr("casnet_cli.workflows.train.session.train", work)
    with pytest.raises(InputError, match="enough"):
        api.train("demo", data="d.h5", run="r", settings={"a.b": [1]}, resume=True, fold=2, init="i", max_time="3h")
    assert got == [
        TrainOptions(
            recipe="demo",
            data=Path("d.h5"),
            run=Path("r"),
            overrides=["a.b=[1]"],
            resume=True,
            fold=2,
            init=Path("i"),
            max_time="3h",
        )
    ]
