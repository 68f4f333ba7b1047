"""Every reader of bytes from outside, with files that it takes."""

import contextlib
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import h5py

from casnet_cli import recipe as recipes
from casnet_cli.data import project
from casnet_cli.data.annotations.label_studio_interface import interface_classes
from casnet_cli.data.classes import class_lists, class_table
from casnet_cli.data.layouts.lists import read_rows
from casnet_cli.export import metadata
from casnet_cli.labels import VOID, with_colors
from casnet_cli.model.backbones.legacy_pth import MAGIC, PROTOCOL, read_state
from casnet_cli.prediction.inputs import Job
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.runs.checkpoint import FORMAT, VERSION, meta_of, read_meta
from casnet_cli.runs.history import read_history
from casnet_cli.runs.json_record import read_record
from casnet_cli.runs.records import RECORDS
from casnet_cli.serving.decisions import Decision, DecisionTable
from casnet_cli.util.parsing import json_of
from helpers.hostile_bytes import Reader
from helpers.outside_annotations import ANNOTATIONS, as_json

CLASSES = b"""void = {ids = [255], colors = [[0, 0, 0]], labels = ["ignored"]}
[[class]]
name = "road"
ids = [7, -3]
color = [128, 64, 128]
labels = ["Road", 'R']
[[class]]
name = "sky"
ids = [8]
"""
PROJECT = b"""images = "photos"
masks = "masks"
classes = "classes.toml"
annotations = ["train=a.json", "val=b.json"]
bands = "1,2,3"
val_fraction = 0.2
folds = 5
threshold = 0.5
nodata = -9999.0
split_files = ["a", "b", "-"]
"""
RECIPE = recipes.dumps(recipes.Recipe()).encode()
HISTORY = b"epoch,step,loss,val_mean_iou,seconds\n1,10,0.5,,1.25\n2,20,0.25,0.5,1.5\n"
ATTRIBUTES = {
    "recipe": recipes.dumps(recipes.Recipe()),
    "classes": ["road", "sky"],
    "palette": [[1, 2, 3], [4, 5, 6]],
    "data": json.dumps({"name": "own", "sha256": "a" * 64, "fold": None}),
    "progress": json.dumps({"step": 3, "sums": {"loss": 0.5}, "history": [{"epoch": 1, "step": 3, "loss": 0.5}]}),
    "schedule": json.dumps({"best": 0.5, "waited": 0, "since_best": 0, "dropped": 0, "finished": False}),
    "calibration": json.dumps(
        {
            "temperature": 1.5,
            "images": 3,
            "difficulty": [0.1, 0.2, 0.3],
            "selective": [[0.9, 0.5, 0.99]],
            "easy": {"below": 0.1, "share": 0.5, "loss": 0.001},
        }
    ),
    "intensities": json.dumps(
        {"dtype": "uint16", "bands": ["a", "b", "c"], "low": [0, 0, 0], "high": [9, 9, 9], "nodata": None}
    ),
}
DESCRIPTION = ATTRIBUTES | {
    "format": metadata.FORMAT,
    "version": metadata.VERSION,
    "casnet": "1.0",
    "run": "runs/a",
    "checkpoint_sha256": "b" * 64,
    "precision": "float32",
    "size": [64, 96],
    "inputs": {"image": "(B, H, W, 3) uint8 RGB"},
    "outputs": dict(metadata.OUTPUTS),
    "void": VOID,
    "opset": 17,
}


def _attributes(file: Path) -> None:
    """A checkpoint with the attributes of a JSON text, as far as an HDF5 file can have them."""
    try:
        attributes = json_of(file.read_bytes())
    except ValueError:
        return
    checkpoint = file.with_suffix(".h5")
    with h5py.File(checkpoint, "w") as opened:
        opened.attrs.update({"format": FORMAT, "version": VERSION})
        for name, value in attributes.items() if isinstance(attributes, dict) else ():
            with contextlib.suppress(TypeError, ValueError, OSError, RuntimeError, OverflowError):
                opened.attrs[name] = value
    meta = read_meta(checkpoint)
    assert len(meta.labels.palette) == len(meta.labels) and meta.finished in (True, False)


def _onnx(file: Path) -> None:
    text = file.read_bytes().decode("utf-8", "replace")
    meta_of(metadata.of_onnx({metadata.WHOLE: text}, file), file)


def _litert(file: Path) -> None:
    meta_of(metadata.of_litert(file), file)


def _zipped(content: bytes) -> bytes:
    stream = io.BytesIO(b"TFL3" * 10)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(metadata.INSIDE, content)
    return stream.getvalue()


BRANCH = {"pixel_accuracy": 0.5, "class_accuracy": 0.5, "mean_iou": 0.5, "frequency_weighted_iou": None}
METRICS = BRANCH | {
    "data": "own",
    "data_sha256": "a",
    "split": "test",
    "tta": "none",
    "scale": 1.0,
    "checkpoint": "best.h5",
    "checkpoint_sha256": "b",
    "step": 3,
    "images": 2,
    "per_class": [{"name": "road", "accuracy": 0.5, "iou": 0.5, "pixels": 3}],
    "branches": {"coarse": BRANCH, "fine": None, "fused": BRANCH},
}
RECORDS_VALID: dict[str, dict[str, Any]] = {
    "run.json": {
        "casnet": "1",
        "data": "/data/a.h5",
        "command": ["casnet", "train"],
        "continued": [{"after_step": 3, "changes": ["a"]}],
    },
    "metrics.json": METRICS,
    "summary.json": {
        "kind": "crossval",
        "recipe": "demo",
        "data": "/data/a.h5",
        "data_name": "a",
        "data_sha256": "b",
        "options": {"seeds": [0, 1]},
        "figures": {
            "none": {
                "runs": {"fold-1": BRANCH | {"images": 1, "labelled_pixels": 2}},
                "groups": {"folds": {"runs": 1, "mean": {"mean_iou": 0.5}, "spread": {"mean_iou": None}}},
                "differences": [],
            }
        },
    },
    "engine.json": {
        "version": 1,
        "checkpoint_sha256": "a",
        "stride": 16,
        "mean": [127.0, 127.0, 127.0],
        "branches": ["coarse"],
        "classes": 3,
        "bytes_per_pixel": 300,
        "files": {"network.onnx": "b"},
        "proof": None,
    },
    "export.json": {
        "checkpoint_sha256": "a",
        "precision": "int8",
        "size": [1, 2],
        "file": "model.onnx",
        "bytes": {"model.onnx": 3},
        "proof": None,
    },
}


def _weights() -> bytes:
    """As PyTorch wrote the weights of a network before version 1.6: two tensors in one piece of memory."""
    head = b"".join(pickle.dumps(one, 2) for one in (MAGIC, PROTOCOL, {"little_endian": True}))
    entries = b""
    for name, offset in ((b"w", 0), (b"b", 4)):
        text = b"X" + struct.pack("<I", len(name)) + name
        kept = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06NtQ"
        shape = b"K\x02K\x02\x86K\x02K\x01\x86" if name == b"w" else b"K\x02\x85K\x01\x85"
        call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + kept + bytes([75, offset]) + shape
        entries += text + call + b"\x89ccollections\nOrderedDict\n)RtR"
    state = b"\x80\x02ccollections\nOrderedDict\n)R(" + entries + b"u."
    return head + state + pickle.dumps(["0"], 2) + struct.pack("<q6f", 6, *range(6))


LISTS: dict[str, bytes] = {
    "data.yaml": b"names:\n  0: road\n  1: car\nbase: &a {x: 1}\nother:\n  <<: *a\n",
    "classes.txt": b"0: road\n1: car\n",
    "labelmap.txt": b"# label:color_rgb:parts:actions\nroad:128,64,128::\nbackground:0,0,0::\n",
    "class_dict.csv": b"name,r,g,b\nroad,1,2,3\nsky,4,5,6\n",
    "dataset.json": as_json({"labels": {"background": 0, "road": 1}, "channel_names": {"0": "red"}}),
    "id2label.json": as_json({"0": "road", "1": "sky"}),
    class_lists.MACHINE_COLORS: as_json({"road": [1, 1, 1], "sky": [2, 2, 2]}),
}

LINE = {
    "file": "photos/a.png",
    "status": "ok",
    "error": None,
    "width": 20,
    "height": 12,
    "mask": "a.png",
    "classes": {"road": 1.0},
    "difficulty_mean": 0.5,
    "confidence_mean": 0.5,
    "seconds": 0.1,
    "made_with": "run 1",
    "input": "c",
    "outputs": [".overlay.jpg", ".png"],
    "time": 1.5e9,
}
FILM_LINE = LINE | {"file": "photos/b.mp4", "mask": "b", "frames": 2, "outputs": [".png"]}
FAILED = LINE | dict.fromkeys(list(LINE)[3:13]) | {"file": "photos/c.png", "status": "failed", "error": "no picture"}


def _lines(*records: dict[str, Any]) -> bytes:
    return b"".join(as_json(record) + b"\n" for record in records)


def _manifest(file: Path) -> None:
    """A call of predict with an input of one of the lines: what it removes is its own."""
    outside = file.parents[1] / "a.png"
    outside.touch()
    with Manifest(Outputs(file.parent, with_colors(("road", "sky")), "run 1")) as manifest:
        jobs = [Job(Path("photos/a.png"), Path("a")), Job(Path("photos/c.png"), Path("c"))]
        assert len(manifest.pending(jobs)) <= 2 and len(list(manifest.usable())) < 20 and manifest.foreign() < 20
        manifest.failed(jobs[0], "gone")
    assert outside.exists()


INTERFACE = b"""<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image">
<Label value="road" background="#ff8800"/><Label value="sky" alias="s" background="rgb(1, 2, 3)"/>
</BrushLabels></View>"""


def _decisions(file: Path) -> None:
    table = DecisionTable(file, "image", "label", ("yes", "no"))
    for key in table.decisions():
        table.decide(key, Decision("no", True))


READERS = {
    one.name: one
    for one in (
        Reader("class table", "classes.toml", (CLASSES,), class_table.load),
        Reader("recipe", "recipe.toml", (RECIPE,), recipes.load),
        Reader("project", "casnet.toml", (PROJECT,), project.read),
        Reader("history", "history.csv", (HISTORY,), read_history),
        *ANNOTATIONS,
        Reader("manifest", "out/manifest.jsonl", (_lines(LINE, FILM_LINE), _lines(LINE, FAILED)), _manifest),
        Reader("torch pickle", "a.pth", (_weights(),), read_state),
        Reader("checkpoint attributes", "a.json", (as_json(ATTRIBUTES),), _attributes),
        Reader("ONNX metadata", "a.onnx", (as_json(DESCRIPTION),), _onnx),
        Reader("LiteRT metadata", "a.tflite", (_zipped(as_json(DESCRIPTION)),), _litert),
        *(
            Reader(name, name, (as_json(content),), lambda file: read_record(RECORDS[file.name], file))
            for name, content in RECORDS_VALID.items()
        ),
        Reader("list of pairs", "a.csv", (b"image,mask\na.png,b.png\n", b"a.jpg b.png\nc.jpg d.png\n"), read_rows),
        Reader("list of records", "a.jsonl", (_lines({"file_name": "a.png", "mask": "b.png"}),), read_rows),
        Reader("decisions", "a.csv", (b"\xef\xbb\xbfimage;label\na.png;yes\n", b"image,label\na.png,\n"), _decisions),
        Reader("labelling interface", "a.xml", (INTERFACE,), lambda file: interface_classes(file.with_suffix(".json"))),
        *(Reader(name, name, (content,), class_lists.read_list) for name, content in LISTS.items()),
    )
}
"""By name."""
