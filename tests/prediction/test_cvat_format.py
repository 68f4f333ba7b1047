"""Tasks of CVAT: the zip is read here by the description of its form."""

from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import pytest
from helpers.drawn_masks import LABELS, mask_of
from helpers.labelled_folders import SUSPECT_PARTS, audited_folder, filled, folder_of, masks

from casnet_cli.labels import VOID
from casnet_cli.prediction.cvat_format import write_cvat


def drawn(image: ElementTree.Element) -> np.ndarray:
    shape = int(image.get("height", 0)), int(image.get("width", 0))
    label = np.full(shape, VOID, np.uint8)
    for one in image:
        if one.tag == "mask":
            left, top, width, height = (int(one.get(key, -1)) for key in ("left", "top", "width", "height"))
            counts = [int(count) for count in one.get("rle", "").split(",")]
            assert all(count > 0 for count in counts[1:]) and counts[0] >= 0
            values = np.repeat(np.arange(len(counts)) % 2, counts)
            assert len(values) <= width * height
            box = np.append(values, np.zeros(width * height - len(values), int)).reshape(height, width)
            assert all(box[part].any() for part in (0, -1, np.s_[:, 0], np.s_[:, -1])), (
                "the box is larger than the region"
            )
            inside = np.zeros(shape, bool)
            inside[top : top + height, left : left + width] = box
        else:
            pairs = (pair.split(",") for pair in one.get("points", "").split(";"))
            inside = filled(np.array([[float(x), float(y)] for x, y in pairs]), shape)
        assert (label[inside] == VOID).all()
        label[inside] = LABELS.names.index(one.get("label", ""))
    return label


@pytest.mark.parametrize("simplify", [0.0, 1e-6])
def test_regions_are_the_masks(tmp_path: Path, simplify: float) -> None:
    given = masks()
    write_cvat(tmp_path / "task.zip", folder_of(given, tmp_path, simplify))
    with ZipFile(tmp_path / "task.zip") as archive:
        assert archive.testzip() is None
        found = ElementTree.fromstring(archive.read("annotations.xml"))
        images = found.findall("image")
        assert [one.get("id") for one in images] == [str(number) for number in range(len(given))]
        for image, mask in zip(images, given, strict=True):
            np.testing.assert_array_equal(drawn(image), mask)
            assert {one.tag for one in image} <= {"polygon" if simplify else "mask"}
            name = image.get("name", "")
            assert archive.read(f"images/{name}") == (tmp_path / "photos" / name).read_bytes()
    labels = [one.text for one in found.findall("meta/task/labels/label/name")]
    assert labels == list(LABELS.names) and found.findtext("version") == "1.1"


def test_a_region_in_full(tmp_path: Path) -> None:
    write_cvat(tmp_path / "task.zip", folder_of([mask_of("....", ".rrr", "rrr.")], tmp_path))
    with ZipFile(tmp_path / "task.zip") as archive:
        (region,) = ElementTree.fromstring(archive.read("annotations.xml")).findall("image/mask")
    expected = {"label": "road", "source": "auto", "occluded": "0", "z_order": "0"}
    assert region.attrib == expected | {"rle": "1, 6, 1", "left": "0", "top": "1", "width": "4", "height": "2"}


def test_given_labels_have_their_suspect_parts_apart(tmp_path: Path) -> None:
    write_cvat(tmp_path / "task.zip", audited_folder(tmp_path))
    with ZipFile(tmp_path / "task.zip") as archive:
        root = ElementTree.fromstring(archive.read("annotations.xml"))
    assert [one.findtext("attributes/attribute/name") for one in root.findall("meta/task/labels/label")] == [
        "suspect"
    ] * len(LABELS)
    image = root.find("image")
    assert image is not None and {one.get("source") for one in image} == {"file"} and len(image) == 5
    found = {key: np.zeros((3, 4), int) for key in SUSPECT_PARTS}
    for one in image:
        assert [each.get("name") for each in one] in ([], ["suspect"])
        alone = ElementTree.Element("image", image.attrib)
        alone.append(one)
        found[one.findtext("attribute", ""), one.get("label", "")] += drawn(alone) != VOID
    for key, inside in SUSPECT_PARTS.items():
        np.testing.assert_array_equal(found[key], inside)


def test_a_picture_that_goes_away_leaves_no_half_file(tmp_path: Path) -> None:
    folder = folder_of([mask_of("r"), mask_of("s")], tmp_path)
    (tmp_path / "photos/sub/1.png").unlink()
    with pytest.raises(FileNotFoundError):
        write_cvat(tmp_path / "task.zip", folder)
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".*"))
