"""Label Studio's brush masks, as its own converter writes them, beside the JSON export that they were made of."""

from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from helpers.tool_environments import run_tool, tool_python
from PIL import Image

from casnet_cli.data.store import Store

WRITE = """
import json, sys
from pathlib import Path
import numpy as np
from label_studio_sdk.converter import Converter
from label_studio_sdk.converter.brush import encode_rle
from PIL import Image

labels = '<Label value="car"/><Label value="road"/>'
brush = f'<BrushLabels name="tag" toName="image">{labels}</BrushLabels>'
folder, rng, tasks = Path(sys.argv[1]), np.random.default_rng(0), []
(folder / "brush").mkdir(parents=True)
for number in (1, 2):
    name = f"abcdef12-p{number}.png"
    Image.fromarray(rng.integers(0, 255, (30, 40, 3)).astype(np.uint8)).save(folder / name)
    regions = []
    for place in range(4):
        mask = np.zeros((30, 40), np.uint8)
        top, left = rng.integers(0, 20, 2)
        mask[top : top + rng.integers(3, 9), left : left + rng.integers(3, 15)] = 255
        value = {"format": "rle", "rle": encode_rle(mask.repeat(4)), "brushlabels": [["car", "road"][place % 2]]}
        size = {"original_width": 40, "original_height": 30, "image_rotation": 0}
        at = {"id": f"r{place}", "type": "brushlabels", "from_name": "tag", "to_name": "image"}
        regions.append({**at, **size, "value": value})
    done = {"id": number, "completed_by": 1, "result": regions, "was_cancelled": False, "created_at": "2024-01-01"}
    file = f"/data/upload/1/{name}"
    tasks.append({"id": number, "data": {"image": file}, "file_upload": name, "annotations": [done]})
export = folder / "project.json"
export.write_text(json.dumps(tasks))
config = f'<View><Image name="image" value="$image"/>{brush}</View>'
Converter(config, None).convert(str(export), str(folder / "brush"), "BRUSH_TO_PNG", is_dir=False)
"""


@pytest.mark.slow
def test_the_json_beside_brush_masks_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tool_python("label-studio-sdk==2.1.2")
    monkeypatch.chdir(tmp_path)
    run_tool(python, WRITE, "task")
    assert len(list(Path("task/brush").iterdir())) == 8
    alone = casnet("prepare", "./task/brush", "--name", "x", code=2)
    assert "8 brush masks of Label Studio, such as task-1-annotation-1-by-1-tag-car-0.png, which name" in alone
    assert "8 brush masks of Label Studio passed by" in stderr_of("prepare", "task")
    store = Store(Path("data/task.h5"))
    assert store.labels.names == ("background", "car", "road")
    for number, entry in enumerate(store.entries(), 1):
        expected = np.zeros((30, 40), np.uint8)
        for place in range(4):
            name = f"{['car', 'road'][place % 2]}-{place // 2}"
            file = f"task/brush/task-{number}-annotation-{number}-by-1-tag-{name}.png"
            expected[np.asarray(Image.open(file)) > 0] = 1 + place % 2
        assert entry.read
        np.testing.assert_array_equal(entry.read().label, expected)
