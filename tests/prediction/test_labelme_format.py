"""LabelMe's files: drawn as LabelMe draws them they are the mask."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from helpers.drawn_masks import CASES, LABELS, mask_of, random_masks
from helpers.predictions import label, manifest, opened
from PIL import Image, ImageDraw
from scipy import ndimage

from casnet_cli.labels import VOID
from casnet_cli.prediction.labelme_format import write_labelme
from casnet_cli.prediction.output_kinds import LabelledPicture


def written(file: Path, mask: np.ndarray, simplify: float = 0.0, source: Path | None = None) -> dict[str, Any]:
    values = {"name": "a.jpg", "result": SimpleNamespace(mask=mask), "labels": LABELS}
    write_labelme(file, cast(LabelledPicture, SimpleNamespace(**values, simplify=simplify, source=source)))
    return json.loads(file.read_text())


def drawn(found: dict[str, Any]) -> np.ndarray:
    """As LabelMe 6.3.1 does: each polygon filled and outlined by Pillow, one after the other; it wants three points."""
    label = np.full((found["imageHeight"], found["imageWidth"]), 99, np.uint8)
    for shape in found["shapes"]:
        assert shape["shape_type"] == "polygon" and len(shape["points"]) > 2
        canvas = Image.new("1", label.shape[::-1])
        ImageDraw.Draw(canvas).polygon([tuple(point) for point in shape["points"]], outline=1, fill=1)
        label[np.asarray(canvas)] = VOID if shape["label"] == "__ignore__" else LABELS.names.index(shape["label"])
    return label


@pytest.mark.parametrize("mask", [*CASES.values(), *random_masks()])
def test_drawn_as_labelme_draws_it_is_the_mask(tmp_path: Path, mask: np.ndarray) -> None:
    np.testing.assert_array_equal(drawn(written(tmp_path / "a.json", mask)), mask)


def test_large_regions_too(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal((4, 90, 120))
    mask = np.array([0, 1, 2, VOID], np.uint8)[ndimage.gaussian_filter(noise, (0, 3, 3)).argmax(0)]
    np.testing.assert_array_equal(drawn(written(tmp_path / "a.json", mask)), mask)
    simple = written(tmp_path / "a.json", mask, simplify=1.0)
    assert (drawn(simple) == mask).mean() > 0.9
    exact = written(tmp_path / "a.json", mask)
    assert sum(len(one["points"]) for one in simple["shapes"]) * 2 < sum(len(one["points"]) for one in exact["shapes"])


def test_a_file_in_full(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    found = written(tmp_path / "out/a.json", mask_of("rr.", "rr."), source=tmp_path / "photos/a.jpg")
    common: dict[str, object] = {
        "group_id": None,
        "description": "",
        "shape_type": "polygon",
        "flags": {},
        "mask": None,
    }
    assert found == {
        "version": "6.3.1",
        "flags": {},
        "shapes": [
            {"label": "road", "points": [[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [0.5, 1.5]], **common},
            {"label": "__ignore__", "points": [[2.5, 0.5], [2.5, 1.5], [2.5, 0.5]], **common},
        ],
        "imagePath": "../photos/a.jpg",
        "imageData": None,
        "imageHeight": 2,
        "imageWidth": 3,
    }


def test_a_call_writes_it_beside_the_mask(folder: Path) -> None:
    label(folder, extra=("labelme",))
    out = folder.parent / "out"
    for stem, name in (("a", "a.png"), ("sub/b", "sub/b.JPG")):
        file = out / f"{stem}.json"
        found = json.loads(file.read_text())
        assert (file.parent / found["imagePath"]).resolve() == (folder / name).resolve()
        labelled = drawn(
            found
            | {"shapes": [one | {"label": {"dark": "sky", "bright": "road"}[one["label"]]} for one in found["shapes"]]}
        )
        np.testing.assert_array_equal(labelled, np.asarray(opened(out / f"{stem}.png")))
    assert all(".json" in cast(list[str], record["outputs"]) for record in manifest(folder))
