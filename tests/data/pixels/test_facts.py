"""`casnet info PICTURE`: facts and values of pictures and masks, as text and as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import picture_writers as by
from helpers.cli import casnet, stderr_of
from helpers.picture_files import PICTURE_FILES, PictureFile
from PIL import Image

from casnet_cli.data.pixels import read
from casnet_cli.data.pixels.facts import facts_of


def written(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def test_a_deep_picture_is_described_in_text_and_json(tmp_path: Path) -> None:
    values = by.rough("uint16", 4)
    file = written(tmp_path, "a.tif", by.tiff(values, extrasamples=["unassalpha"]).content)
    found = json.loads(casnet("info", file, "--json", "-"))
    assert found["bands"] == ["red", "green", "blue", "band 4"] and found["type"] == "uint16"
    assert found["lowest"] == values.min(axis=(0, 1)).tolist() and found["highest"] == values.max(axis=(0, 1)).tolist()
    assert "further band" in found["notes"][0]
    text = casnet("info", file).splitlines()
    assert "size: 24x18" in text and "bits: 16" in text and "bands: red, green, blue, band 4" in text


def test_values_of_a_mask_are_counted_with_their_colours(tmp_path: Path) -> None:
    values = np.array([[0, 1, 1], [2, 2, 2]], np.uint8)
    mask = Image.fromarray(values)
    mask.putpalette([9, 8, 7, 255, 0, 0, 0, 255, 0])
    mask.save(tmp_path / "m.png")
    counted = facts_of(tmp_path / "m.png")["pixels of the values"]
    assert counted == {"0 (#090807)": 1, "1 (#ff0000)": 2, "2 (#00ff00)": 3}
    mask.convert("RGB").save(tmp_path / "c.png")
    assert facts_of(tmp_path / "c.png")["pixels of the colours"] == {"#00ff00": 3, "#090807": 1, "#ff0000": 2}
    signed = written(tmp_path, "s.tif", by.tiff(np.array([[[-1], [4]]] * 18, np.int16)).content)
    assert facts_of(signed)["pixels of the values"] == {"-1": 18, "4": 18}
    many = written(tmp_path, "many.png", by.png(8, 0).content)
    assert facts_of(many)["different values"] == len(np.unique(by.png(8, 0).values))


def test_what_was_not_measured_is_counted_and_in_no_range(tmp_path: Path) -> None:
    values = by.rough("float32")
    values[:2] = np.nan
    found = facts_of(written(tmp_path, "f.npy", by.npy(values).content))
    assert found["pixels without data"] == 2 * 24
    assert found["lowest"] == [float(np.nanmin(values))] and "pixels with infinite values" not in found
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_pixel_is_without_data_where_no_band_has_any(tmp_path: Path) -> None:
    values = by.rough("float32", 3)
    values[:4, :, 0], values[:2], values[10, :, 1] = np.nan, np.nan, np.inf
    found = facts_of(written(tmp_path, "f.npy", by.npy(values).content))
    assert (found["pixels without data"], found["pixels with infinite values"]) == (2 * 24, 24)
    whole = np.full((18, 24, 1), 7, np.uint16)
    tagged = by.tiff(whole, extratags=[(42113, 2, 2, "7", True)]).content
    found = facts_of(written(tmp_path, "t.tif", tagged))
    assert repr(found["no data"]) == "7" and found["pixels without data"] == 18 * 24


@pytest.mark.parametrize("kind", PICTURE_FILES.values(), ids=PICTURE_FILES)
def test_every_kind_has_facts_that_json_holds(kind: PictureFile, tmp_path: Path) -> None:
    if kind.ending == ".heic":
        pytest.importorskip("pillow_heif")
    found = facts_of(written(tmp_path, f"a{kind.ending}", kind.write().content))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["bands"] == list(kind.bands) and found["bits"] == kind.bits


def test_a_mosaic_that_is_not_decoded_has_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, "a.tif", by.tiff(by.rough("uint8", 3)).content)
    monkeypatch.setattr(read, "MAX_PIXELS", 100)
    found = facts_of(file)
    assert found["size"] == "24x18" and "not read: more than" in str(found["values"])


def test_what_is_no_picture_is_refused_in_a_line(tmp_path: Path) -> None:
    for name, content, words in (
        ("a.png", b"no picture", "a.png: not a readable image"),
        ("b.psd", b"8BPS", "b.psd: .psd is no kind of picture"),
        ("c.tif", by.tiff(by.rough("uint8", 3)).content[:200], "c.tif: not a readable image"),
    ):
        assert words in stderr_of("info", written(tmp_path, name, content), code=2)
    assert "format: PNG" in casnet("info", written(tmp_path, "bare", by.png(8, 0).content))
