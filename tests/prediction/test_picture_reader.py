"""Pictures of other depths and bands on their way through prediction, with a plain function in the network's place."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers.datasets import FOUR_BANDS, FunctionPredictor
from helpers.predictions import LABELS, by_brightness, opened, picture
from PIL import Image

from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.prediction import image_pipeline as pipeline
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.prediction.picture_reader import PictureReader

DEEP = Intensities("uint16", low=(0.0,) * 3, high=(4095.0,) * 3)


def label(folder: Path, reader: PictureReader) -> dict[str, dict[str, object]]:
    """The lines of the manifest by the files' names."""
    with Manifest(Outputs(folder.parent / "out", LABELS, "run 1")) as manifest:
        jobs = find_images([folder], manifest.outputs.folder)
        lines = predict_folder(FunctionPredictor(by_brightness), jobs, manifest, reader)
        return {Path(str(line["file"])).name: dict(line) for line in lines}


def write(file: Path, values: np.ndarray) -> np.ndarray:
    tifffile.imwrite(file, values, photometric="rgb" if values.shape[-1] == 3 else "minisblack", planarconfig="contig")
    return values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    picture(1).save(made / "plain.png")
    return made


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "int16", "float32"])
def test_deeper_pictures_fail_in_a_run_of_8_bits_and_the_range_is_named(folder: Path, dtype: str) -> None:
    write(folder / "deep.tif", np.arange(5 * 7 * 3).reshape(5, 7, 3).astype(dtype))
    lines = label(folder, PictureReader())
    assert lines["plain.png"]["status"] == "ok"
    assert lines["deep.tif"]["status"] == "failed"
    assert "this run was trained on 8-bit values (`casnet prepare … --range" in str(lines["deep.tif"]["error"])


def test_a_16_bit_png_fails_in_a_run_of_8_bits(folder: Path) -> None:
    Image.fromarray(np.full((5, 7), 4095, np.uint16)).save(folder / "deep.png")
    assert "has 16-bit values" in str(label(folder, PictureReader())["deep.png"]["error"])


def test_cmyk_and_alpha_are_noted(folder: Path) -> None:
    reader = PictureReader()
    Image.new("CMYK", (7, 5), (10, 20, 30, 40)).save(folder / "print.jpg")
    values = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    values[..., 3] = 255
    values[0, :2, 3] = 0
    tifffile.imwrite(folder / "cut.tif", values, photometric="rgb", extrasamples=["unassalpha"])
    Image.fromarray(values).save(folder / "cut.png")
    Image.fromarray(values).save(folder / "web.webp", lossless=True)
    Image.fromarray(values[..., :3]).quantize(8).save(folder / "palette.png", transparency=0)
    assert {line["status"] for line in label(folder, reader).values()} == {"ok"}
    assert {remark.text: [file.name for file in remark.files] for remark in reader.remarks.all()} == {
        "its CMYK colours are converted to RGB": ["print.jpg"],
        "a channel is marked as alpha: laid on white where transparent": [
            "cut.png",
            "cut.tif",
            "palette.png",
            "web.webp",
        ],
    }


def test_more_bands_fail_in_a_run_of_three(folder: Path) -> None:
    write(folder / "four.tif", np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8))
    assert "4 bands" in str(label(folder, PictureReader())["four.tif"]["error"])


def test_the_network_gets_stored_values_and_people_what_it_sees(folder: Path) -> None:
    values = write(folder / "deep.tif", np.random.default_rng(0).integers(0, 4096, (12, 20, 3)).astype(np.uint16))
    got: list[np.ndarray] = []

    def noted(image: np.ndarray) -> dict[str, np.ndarray]:
        got.append(image)
        return by_brightness(image) | {"mask": np.zeros(image.shape[:2], np.uint8)}

    with Manifest(Outputs(folder.parent / "out", LABELS, "run 1")) as manifest:
        (job,) = find_images([folder / "deep.tif"], manifest.outputs.folder)
        list(predict_folder(FunctionPredictor(noted), [job], manifest, PictureReader(DEEP)))
    np.testing.assert_array_equal(got[0], values)
    overlay = np.asarray(opened(folder.parent / "out" / "deep.overlay.jpg"), np.float64)
    expected = values / 4095 * 255 * 0.45 + np.asarray(LABELS.palette[0]) * 0.55
    assert abs(overlay.mean((0, 1)) - expected.mean((0, 1))).max() < 3  # JPEG's loss


def test_8_bits_in_a_deeper_run_fill_the_range_and_are_remarked_once(folder: Path) -> None:
    picture(2).save(folder / "second.png")
    reader = PictureReader(DEEP)
    lines = label(folder, reader)
    assert {line["status"] for line in lines.values()} == {"ok"}
    (remark,) = reader.remarks.all()
    assert remark.line.startswith("2 files: 8-bit values, stretched over the range of deeper pictures")
    stored = np.asarray(picture(2)).astype(np.float64)
    pixels = reader.pixels((folder / "second.png").read_bytes())
    assert pixels.dtype == np.uint16
    np.testing.assert_allclose(pixels, stored / 255 * 4095, atol=0.5)


def test_pages_are_remarked(folder: Path) -> None:
    pages = [picture(seed).convert("P") for seed in range(3)]
    pages[0].save(folder / "moving.gif", save_all=True, append_images=pages[1:])
    reader = PictureReader()
    assert label(folder, reader)["moving.gif"]["status"] == "ok"
    assert any(remark.text == "of several pages or frames the first is taken" for remark in reader.remarks.all())


def test_the_place_on_the_earth_is_known_before_the_pixels() -> None:
    rasterio = pytest.importorskip("rasterio")
    transform = rasterio.Affine(10, 0, 500_000, 0, -10, 5_400_000)
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=6, height=4, count=4, dtype="uint16", crs="EPSG:32632", transform=transform
        ) as file:
            file.write(np.ones((4, 4, 6), np.uint16))
        content = memory.read()
    facts = PictureReader(FOUR_BANDS).facts(content, Path("x.tif"))
    assert facts.size == (6, 4) and facts.georeference
    assert facts.georeference.crs == "EPSG:32632" and facts.georeference.transform == tuple(transform)[:6]


@pytest.mark.parametrize(("intensities", "cost"), [(PLAIN, 1), (DEEP, 2), (FOUR_BANDS, 8 / 3)])
def test_memory_is_counted_by_the_bytes_of_a_pixel(intensities: Intensities, cost: float) -> None:
    assert PictureReader(intensities).pixel_cost == pytest.approx(cost)


def test_a_deep_image_that_needs_more_memory_than_there_is_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "deep.tif", np.zeros((10, 20, 3), np.uint16))
    monkeypatch.setattr(pipeline.memory, "memory_available", lambda: 300 * pipeline.BYTES_PER_PIXEL)
    (folder / "plain.png").unlink()
    assert label(folder, PictureReader())["deep.tif"]["error"] != ""
    assert "megapixels need" in str(label(folder, PictureReader(DEEP))["deep.tif"]["error"])


def test_a_frame_of_a_video_is_taken_like_a_picture_of_8_bits() -> None:
    frame = np.asarray(picture(3))
    assert PictureReader().frame(frame, Path("a.mp4")) is frame
    reader = PictureReader(DEEP)
    np.testing.assert_allclose(reader.frame(frame, Path("a.mp4")), frame / 255 * 4095, atol=0.5)
    assert reader.remarks.all()
    with pytest.raises(ValueError, match="has 3 bands"):
        PictureReader(FOUR_BANDS).frame(frame, Path("a.mp4"))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"II*\0" + bytes(20), b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_is_a_line_of_the_manifest(folder: Path, content: bytes) -> None:
    (folder / "bad.png").write_bytes(content)
    for reader in (PictureReader(), PictureReader(DEEP)):
        line = label(folder, reader)["bad.png"]
        assert line["status"] == "failed" and line["error"] and "\n" not in json.loads(json.dumps(line))["error"]


def test_a_truncated_deep_picture_fails(folder: Path) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.random.default_rng(0).integers(0, 4096, (64, 64, 3)).astype(np.uint16))
    (folder / "cut.tif").write_bytes(buffer.getvalue()[:3000])
    assert label(folder, PictureReader(DEEP))["cut.tif"]["status"] == "failed"
