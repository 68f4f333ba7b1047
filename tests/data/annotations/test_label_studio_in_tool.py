"""Exports that Label Studio's own package converts, brushes to masks and polygons to COCO: casnet's masks are equal."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.tool_environments import run_tool, tool_python
from pycocotools.mask import decode, frPyObjects, merge

from casnet_cli.data.annotations.drawing import PYCOCOTOOLS, draw
from casnet_cli.data.annotations.label_studio import read_label_studio
from casnet_cli.labels import VOID

pytestmark = pytest.mark.slow

HEIGHT, WIDTH, PICTURES, REGIONS = 61, 83, 6, 8

CONVERTED = """
import json, sys
from pathlib import Path
import numpy as np
from label_studio_sdk.converter import Converter
from label_studio_sdk.converter.brush import decode_from_annotation, mask2rle

folder, kind = Path(sys.argv[1]), sys.argv[2]
height, width, pictures, regions = map(int, sys.argv[3:])
generator = np.random.default_rng(3)
names = ["cat", "dog"]
rows = "".join(f'<Label value="{name}"/>' for name in names)
config = f'<View><Image name="image" value="$image"/><{kind} name="tag" toName="image">{rows}</{kind}></View>'
tasks = []
for number in range(pictures):
    result = []
    for place in range(regions):
        if kind == "BrushLabels":
            mask = np.zeros((height, width), np.uint8)
            top, left = generator.integers(0, height - 9), generator.integers(0, width - 9)
            mask[top : top + 9, left : left + 9] = (generator.random((9, 9)) < place / regions) * 255
            value = {"format": "rle", "rle": mask2rle(mask)}
        else:
            value = {"points": (generator.random((generator.integers(3, 9), 2)) * 100).tolist(), "closed": True}
        value[kind.lower()] = [names[generator.integers(2)]]
        result.append({
            "id": f"r{place}", "type": kind.lower(), "from_name": "tag", "to_name": "image", "value": value,
            "original_width": width, "original_height": height, "image_rotation": 0,
        })
    annotation = {"id": number, "created_at": "2024-01-01", "completed_by": 1, "result": result}
    data = {"image": f"/data/upload/1/0a1b2c3d-{number}.png"}
    tasks.append({"id": number, "data": data, "annotations": [annotation]})
(folder / "export.json").write_text(json.dumps(tasks))
converter = Converter(config, project_dir=str(folder), download_resources=False)
if kind == "BrushLabels":
    masks = {}
    for item in converter.iter_from_json_file(str(folder / "export.json")):
        layers = decode_from_annotation("tag", item["output"]["tag"])
        label = np.full((height, width), 255, np.uint8)
        counts = {name: 0 for name in names}
        for one in item["output"]["tag"]:
            (name,) = one["brushlabels"]
            label[layers[f"tag-{name}-{counts[name]}"] > 0] = names.index(name)
            counts[name] += 1
        masks[str(item["id"])] = label
    np.savez(folder / "found.npz", **masks)
else:
    converter.convert_to_coco(str(folder / "export.json"), str(folder / "coco"), is_dir=False)
converter.convert_to_json_min(str(folder / "export.json"), str(folder / "min"), is_dir=False)
"""


def masks_of(file: Path) -> list[np.ndarray]:
    found = read_label_studio(file)
    contents = [one.read() for one in found.pictures]
    assert [one.size for one in contents] == [(HEIGHT, WIDTH)] * PICTURES
    return [
        draw([(one, ("cat", "dog").index(one.label)) for one in content.shapes], HEIGHT, WIDTH, VOID, PYCOCOTOOLS).label
        for content in contents
    ]


def converted(folder: Path, kind: str) -> None:
    python = tool_python("label-studio-sdk==2.1.2")
    run_tool(python, CONVERTED, folder, kind, HEIGHT, WIDTH, PICTURES, REGIONS)


def test_brushes(tmp_path: Path) -> None:
    converted(tmp_path, "BrushLabels")
    with np.load(tmp_path / "found.npz") as expected:
        for number in range(PICTURES):
            for form in ("export.json", "min/result.json"):
                np.testing.assert_array_equal(masks_of(tmp_path / form)[number], expected[str(number)])
            assert {0, 1, VOID} == set(np.unique(expected[str(number)]))


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools
def test_polygons(tmp_path: Path) -> None:
    converted(tmp_path, "PolygonLabels")
    coco = json.loads((tmp_path / "coco/result.json").read_text())
    names = {one["id"]: one["name"] for one in coco["categories"]}
    found, short = masks_of(tmp_path / "export.json"), masks_of(tmp_path / "min/result.json")
    for place, image in enumerate(coco["images"]):
        expected = np.full((HEIGHT, WIDTH), VOID, np.uint8)
        for one in coco["annotations"]:
            if one["image_id"] == image["id"]:
                drawn = decode(merge(frPyObjects(one["segmentation"], HEIGHT, WIDTH)))
                expected[drawn > 0] = ("cat", "dog").index(names[one["category_id"]])
        assert f"-{place}.png" in image["file_name"] and (expected != VOID).any()
        np.testing.assert_array_equal(found[place], expected)
        np.testing.assert_array_equal(short[place], expected)
