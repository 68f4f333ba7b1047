"""Tasks of Label Studio: brushes and polygons are unpacked here by the description of their form."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers.drawn_masks import LABELS, mask_of
from helpers.labelled_folders import SUSPECT_PARTS, audited_folder, filled, folder_of, masks

from casnet_cli.data.annotations.label_studio_rle import packed
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.prediction.label_studio_format import interface, write_label_studio


def unpacked(rle: list[int]) -> np.ndarray:
    """Values of a stream of bits, one block after the other."""
    bits, place = "".join(f"{byte:08b}" for byte in rle), 0

    def take(size: int) -> int:
        nonlocal place
        place += size
        return int(bits[place - size : place], 2)

    number, word, sizes = take(32), take(5) + 1, [take(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < number:
        run, count = take(1), take(sizes[take(2)]) + 1
        values += [take(word)] * count if run else [take(word) for _ in range(count)]
    assert len(values) == number and len(bits) - place < 8
    return np.array(values, np.uint8)


def tasks_of(file: Path, given: list[np.ndarray], simplify: float = 0.0) -> list[dict[str, Any]]:
    write_label_studio(file, folder_of(given, file.parent, simplify))
    return json.loads(file.read_text())


def drawn(task: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    label = np.full(shape, VOID, np.uint8)
    for one in task["predictions"][0]["result"]:
        value = one["value"]
        assert (one["original_height"], one["original_width"]) == shape
        (name,) = value[one["type"]]
        if one["type"] == "brushlabels":
            pixels = unpacked(value["rle"]).reshape(*shape, 4)
            assert (pixels == pixels[..., :1]).all()
            inside = pixels[..., 3] > 0
        else:
            inside = filled(np.array(value["points"]) * shape[::-1] / 100, shape)
        assert inside.any() and (label[inside] == VOID).all()
        label[inside] = LABELS.names.index(name)
    return label


def test_brushes_are_the_masks(tmp_path: Path) -> None:
    given = masks()
    for task, mask in zip(tasks_of(tmp_path / "tasks.json", given), given, strict=True):
        np.testing.assert_array_equal(drawn(task, mask.shape), mask)


def test_polygons_that_lose_no_corner_are_the_masks(tmp_path: Path) -> None:
    given = masks()[:-1]
    for task, mask in zip(tasks_of(tmp_path / "tasks.json", given, simplify=1e-6), given, strict=True):
        np.testing.assert_array_equal(drawn(task, mask.shape), mask)


@pytest.mark.parametrize("length", [1, 2, 4, 5, 64, 65, 16_383, 16_384, 16_385, 40_000])
def test_counts_of_every_size(length: int) -> None:
    expected = np.zeros(90_000, np.uint8)
    expected[7 : 7 + length] = 255
    found = unpacked(packed(np.array([7]), np.array([7 + length]), len(expected)))
    np.testing.assert_array_equal(found.reshape(-1, 4), expected[:, None].repeat(4, 1))


def test_a_task_in_full(tmp_path: Path) -> None:
    (tmp_path / "a b#").mkdir()
    (task,) = tasks_of(tmp_path / "a b#" / "tasks.json", [mask_of("r.")])
    assert task["data"]["name"] == "sub/0.png"
    assert parse_qs(urlparse(task["data"]["image"]).query) == {"d": ["photos/sub/0.png"]}
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("casnet", 0.5)
    (region,) = prediction["result"]
    assert {key: region[key] for key in ("id", "type", "from_name", "to_name", "image_rotation")} == {
        "id": "region-1",
        "type": "brushlabels",
        "from_name": "label",
        "to_name": "image",
        "image_rotation": 0,
    }
    assert region["value"]["format"] == "rle" and region["value"]["brushlabels"] == ["road"]
    # 8 values of 8 bits, counts of 2, 4, 8, 16 bits; four of 255, four of 0.
    head = f"{8:032b}" + "00111" + "0001" + "0011" + "0111" + "1111"
    bits = head + "1" + "00" + "11" + "1" * 8 + "1" + "00" + "11" + "0" * 8
    bits += "0" * (-len(bits) % 8)
    assert region["value"]["rle"] == [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    assert tasks_of(tmp_path / "none.json", []) == []


def test_given_labels_have_their_suspect_parts_first_and_apart(tmp_path: Path) -> None:
    write_label_studio(tmp_path / "tasks.json", audited_folder(tmp_path))
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"]["suspects"] == "4: road → tree; 9: sky → <sea>"
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("labels", 0.5)
    notes = [one.get("meta", {"text": [""]})["text"][0].removeprefix("suspect ") for one in prediction["result"]]
    assert [*filter(None, notes)] == notes[:2] == ["4: road → tree", "9: sky → <sea>"] and len(notes) == 5
    found = {key: np.zeros((3, 4), int) for key in SUSPECT_PARTS}
    for note, one in zip(notes, prediction["result"], strict=True):
        found[note, one["value"]["brushlabels"][0]] += unpacked(one["value"]["rle"]).reshape(3, 4, 4)[..., 3] > 0
    for key, inside in SUSPECT_PARTS.items():
        np.testing.assert_array_equal(found[key], inside)
    view = ElementTree.parse(tmp_path / "tasks.xml").getroot()
    assert view[0].attrib == {"value": "$suspects", "size": "5"} and view[1].tag == "Image"


def test_the_labelling_interface(tmp_path: Path) -> None:
    tasks_of(tmp_path / "tasks.json", [mask_of("r")])
    found = ElementTree.parse(tmp_path / "tasks.xml").getroot()
    assert [one.tag for one in found] == ["Image", "BrushLabels"]
    assert [one.get("value") for one in found[1]] == list(LABELS.names)
    odd = LabelSet(('a "<&> b',), ((1, 2, 255),))
    (label,) = ElementTree.fromstring(interface(odd, brushes=False))[1]
    assert (label.get("value"), label.get("background")) == ('a "<&> b', "#0102ff")
