"""Files for labelling tools, read by the tools' own packages: the masks are casnet's, pixel for pixel."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from zipfile import ZipFile

import numpy as np
import pytest
from helpers.drawn_masks import LABELS, mask_of
from helpers.labelled_folders import audited_folder, folder_of, masks
from helpers.tool_environments import run_tool, tool_python

from casnet_cli.labels import VOID
from casnet_cli.prediction.coco_format import write_coco
from casnet_cli.prediction.cvat_format import write_cvat
from casnet_cli.prediction.label_studio_format import write_label_studio
from casnet_cli.prediction.labelme_format import write_labelme
from casnet_cli.prediction.output_kinds import LabelledPicture

pytestmark = pytest.mark.slow

DATUMARO = """
import sys
import numpy as np
import datumaro as dm

found = dm.Dataset.import_from(sys.argv[1], sys.argv[2])
names = [one.name for one in found.categories()[dm.AnnotationType.label]]
masks = {}
for item in found:
    height, width = item.media.size if item.media else item.attributes["size"]
    label = np.full((height, width), 255, np.uint8)
    for one in item.annotations:
        if one.type == dm.AnnotationType.bbox:  # COCO's boxes, beside their masks
            continue
        assert one.type == dm.AnnotationType.mask, one.type
        if note := one.attributes.get("suspect"):
            print(note, int(np.asarray(one.image).sum()), names[one.label])
        label[np.asarray(one.image) > 0] = sys.argv[4].split(",").index(names[one.label])
    masks[item.id.replace("/", "|")] = label
np.savez(sys.argv[3], **masks)
"""

LABELME = """
import json, sys
import numpy as np
from labelme.utils.shape import shapes_to_label

masks = {}
values = {name: index for index, name in enumerate(sys.argv[3].split(","))} | {"__ignore__": 255}
for number, file in enumerate(json.load(open(sys.argv[1]))):
    one = json.load(open(file))
    size = one["imageHeight"], one["imageWidth"]
    masks[str(number)] = shapes_to_label(size, one["shapes"], values)[0]
np.savez(sys.argv[2], **masks)
"""

OPENED = """
import sys
from labelme._label_file import LabelFile
found = LabelFile(sys.argv[1])
assert found.image_data and found.shapes
print(len(found.shapes))
"""

BRUSHES = """
import json, sys
import numpy as np
from label_studio_sdk.converter.brush import decode_rle
from label_studio_sdk.label_interface import LabelInterface

interface = LabelInterface(open(sys.argv[2]).read())
masks = {}
for number, task in enumerate(json.load(open(sys.argv[1]))):
    (prediction,) = task.pop("predictions")
    assert interface.validate_task(task) and interface.validate_prediction(prediction), task
    label = None
    for one in prediction["result"]:
        size = one["original_height"], one["original_width"]
        label = np.full(size, 255, np.uint8) if label is None else label
        inside = decode_rle(one["value"]["rle"]).reshape(*size, 4)[..., 3] > 0
        label[inside] = sys.argv[4].split(",").index(one["value"]["brushlabels"][0])
    if label is not None:
        masks[str(number)] = label
np.savez(sys.argv[3], **masks)
"""


def read(file: Path, given: Sequence[np.ndarray], names: Sequence[str]) -> None:
    """The file holds the masks by these names; one that is void throughout may lack."""
    with np.load(file) as found:
        for name, mask in zip(names, given, strict=True):
            if name in found or not (mask == VOID).all():
                np.testing.assert_array_equal(found[name], mask)


@pytest.mark.parametrize("form", ["coco", "cvat"])
def test_datumaro(tmp_path: Path, form: str) -> None:
    given = masks()
    names = [f"sub|{number}" for number in range(len(given))]
    folder, classes = folder_of(given, tmp_path), ",".join(LABELS.names)
    python = tool_python("datumaro==1.13.12")
    if form == "cvat":
        write_cvat(tmp_path / "task.zip", folder)
        run_tool(
            python,
            "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])",
            tmp_path / "task.zip",
            tmp_path / "task",
        )
    else:
        (tmp_path / "task/annotations").mkdir(parents=True)
        write_coco(tmp_path / "task/annotations/instances_train.json", folder)
        (tmp_path / "task/images").mkdir()
        (tmp_path / "task/images/train").symlink_to(tmp_path / "photos")
    run_tool(python, DATUMARO, tmp_path / "task", form, tmp_path / "found.npz", classes)
    read(tmp_path / "found.npz", given, names)


def test_given_labels_in_datumaro_and_label_studio(tmp_path: Path) -> None:
    mask = mask_of("rrrr", "rrrr", "ssss")
    write_cvat(tmp_path / "task.zip", audited_folder(tmp_path))
    with ZipFile(tmp_path / "task.zip") as archive:
        archive.extractall(tmp_path / "task")
    words = tmp_path / "found.npz", ",".join(LABELS.names)
    said = run_tool(tool_python("datumaro==1.13.12"), DATUMARO, tmp_path / "task", "cvat", *words)
    assert sorted(said.splitlines()) == ["4: road → tree 3 road", "9: sky → <sea> 1 sky"]
    read(tmp_path / "found.npz", [mask], ["sub|0"])
    write_label_studio(tmp_path / "tasks.json", audited_folder(tmp_path))
    run_tool(tool_python("label-studio-sdk==2.1.2"), BRUSHES, tmp_path / "tasks.json", tmp_path / "tasks.xml", *words)
    read(tmp_path / "found.npz", [mask], ["0"])


def test_labelme(tmp_path: Path) -> None:
    given, files = masks(), []
    pictures = list(folder_of(given, tmp_path).pictures)
    for picture in pictures:
        files.append(str(picture.file.with_suffix(".json")))
        values = {"name": picture.name, "result": SimpleNamespace(mask=picture.mask), "labels": LABELS}
        one = SimpleNamespace(**values, simplify=0.0, source=picture.file)
        write_labelme(Path(files[-1]), cast(LabelledPicture, one))
    (tmp_path / "files.json").write_text(json.dumps(files))
    python = tool_python("labelme==6.3.1")
    run_tool(python, LABELME, tmp_path / "files.json", tmp_path / "found.npz", ",".join(LABELS.names))
    read(tmp_path / "found.npz", given, [str(number) for number in range(len(given))])
    assert int(run_tool(python, OPENED, files[-1])) == 3


def test_label_studio(tmp_path: Path) -> None:
    given = masks()
    write_label_studio(tmp_path / "tasks.json", folder_of(given, tmp_path))
    python = tool_python("label-studio-sdk==2.1.2")
    words = tmp_path / "tasks.json", tmp_path / "tasks.xml", tmp_path / "found.npz", ",".join(LABELS.names)
    run_tool(python, BRUSHES, *words)
    read(tmp_path / "found.npz", given, [str(number) for number in range(len(given))])
