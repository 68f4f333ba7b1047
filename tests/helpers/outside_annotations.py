"""The readers of annotation files of other tools, with files that they take."""

import base64
import contextlib
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from casnet_cli.data.annotations.drawing import Rule, ShapeFault, draw
from casnet_cli.data.annotations.shapes import PictureShapes
from casnet_cli.data.sources.annotation_files import PICTURE_FORMS
from casnet_cli.data.sources.annotation_projects import read_project
from casnet_cli.labels import VOID
from helpers.hostile_bytes import Reader

HEIGHT, WIDTH = 8, 9
"""Of the pictures that annotations are drawn on, in pixels."""


def as_json(content: Any) -> bytes:
    """The content as JSON."""
    return json.dumps(content).encode()


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def _base64(pixels: np.ndarray) -> str:
    return base64.b64encode(_png(pixels)).decode()


def _drawn(content: PictureShapes, rule: Rule) -> None:
    size = content.size or (HEIGHT, WIDTH)
    if size[0] * size[1] < 1 << 24:
        with contextlib.suppress(ShapeFault):  # which the caller turns into a DataError
            draw([(one, 0) for one in content.shapes], *size, VOID, rule)


def _project(file: Path) -> None:
    """All pictures of an annotation file, drawn."""
    content, form = read_project(file)
    for picture in content.pictures:
        _drawn(picture.read(), form.rule)


def _of_form(name: str) -> Callable[[Path], None]:
    form = PICTURE_FORMS[name]
    return lambda file: _drawn(form.read(file), form.rule)


SQUARE = [[1, 1], [4, 1], [4, 4], [1, 4]]
FLAT = [coordinate for point in SQUARE for coordinate in point]

COCO = as_json(
    {
        "images": [{"id": 1, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}, {"id": 2, "file_name": "b.png"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [FLAT], "bbox": [1, 1, 3, 3], "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 2, "segmentation": {"size": [8, 9], "counts": [10, 5, 57]}},
            {"id": 3, "image_id": 2, "category_id": 2, "segmentation": {"size": [8, 9], "counts": "6320009"}},
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "road"}],
    }
)
LABELME = as_json(
    {
        "shapes": [
            {"label": "a", "shape_type": "polygon", "points": SQUARE},
            {"label": "b", "shape_type": "circle", "points": [[2, 2], [3, 3]]},
            {"label": "b", "shape_type": "linestrip", "points": SQUARE},
            {"label": "b", "shape_type": "rectangle", "points": [[2, 2], [3, 3]]},
            {"label": "b", "shape_type": "mask", "points": [[2, 2], [3, 3]], "mask": _base64(np.ones((2, 2)))},
            {"label": "b", "shape_type": "point", "points": [[2, 2]]},
        ],
        "imagePath": "a.png",
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
    }
)
GEOJSON = as_json(
    {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
                "properties": {"classification": {"name": "Tumor", "color": [1, 2, 3]}},
            },
            {
                "type": "Feature",
                "geometry": {"type": "MultiPolygon", "coordinates": [[SQUARE, SQUARE], [SQUARE]]},
                "properties": {"classification": {"names": ["a", "b"], "colorRGB": -3670016}},
            },
        ],
    }
)
DARWIN = as_json(
    {
        "version": "2.0",
        "item": {"name": "a.png", "slots": [{"slot_name": "0", "width": 6, "height": 4}]},
        "annotations": [
            {"name": "cat", "polygon": {"paths": [[{"x": x, "y": y} for x, y in SQUARE]]}, "slot_names": ["0"]},
            {"id": "m", "name": "cat", "mask": {}},
            {
                "name": "__raster_layer__",
                "raster_layer": {
                    "dense_rle": [0, 6, 2, 18],
                    "mask_annotation_ids_mapping": {"m": 2},
                    "total_pixels": 24,
                },
            },
        ],
    }
)
PANOPTIC = as_json(
    {
        "images": [{"id": 5, "file_name": "a.jpg", "height": 2, "width": 2}],
        "annotations": [
            {"image_id": 5, "file_name": "a.png", "segments_info": [{"id": 1, "category_id": 2, "iscrowd": 0}]}
        ],
        "categories": [{"id": 2, "name": "car", "isthing": 1, "color": [0, 0, 142]}],
    }
)
NUMBERS = _png(np.full((2, 2, 3), [1, 0, 0]))
LABEL_STUDIO = as_json(
    [
        {
            "id": 5,
            "data": {"image": "/data/upload/2/0a1b2c3d-a.png"},
            "annotations": [
                {
                    "id": 1,
                    "created_at": "2024-01-01T00:00:00Z",
                    "result": [
                        {
                            "id": f"r{kind}",
                            "type": kind,
                            "from_name": "label",
                            "to_name": "image",
                            "original_width": WIDTH,
                            "original_height": HEIGHT,
                            "image_rotation": 0,
                            "value": value | {kind: ["cat"]},
                        }
                        for kind, value in {
                            "polygonlabels": {"points": [[10, 20], [30, 20], [30, 60]], "closed": True},
                            "rectanglelabels": {"x": 10, "y": 10, "width": 50, "height": 50, "rotation": 10},
                            "ellipselabels": {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 5},
                            "brushlabels": {"imageDataURL": f"data:image/png;base64,{_base64(np.ones((8, 9, 4)))}"},
                        }.items()
                    ],
                }
            ],
        }
    ]
)
REGIONS = [
    {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    for shape in (
        {"name": "polygon", "all_points_x": [2, 6, 6, 2], "all_points_y": [1, 1, 5, 5]},
        {"name": "rect", "x": 2, "y": 1, "width": 4, "height": 4},
        {"name": "circle", "cx": 4, "cy": 4, "r": 2},
        {"name": "ellipse", "cx": 4, "cy": 4, "rx": 2, "ry": 3, "theta": 0.5},
    )
]
VIA = as_json(
    {
        "_via_settings": {},
        "_via_img_metadata": {"a.png12": {"filename": "a.png", "size": 12, "regions": REGIONS, "file_attributes": {}}},
        "_via_attributes": {"region": {"class": {"type": "radio", "options": {"cat": ""}}}, "file": {}},
    }
)
VIA_3 = as_json(
    {
        "project": {"vid_list": ["1"]},
        "config": {},
        "attribute": {"1": {"aname": "animal", "anchor_id": "FILE1_Z0_XY1", "type": 4, "options": {"0": "cat"}}},
        "file": {"1": {"fid": 1, "fname": "a.png", "type": 2, "loc": 2, "src": "https://host/b/a.png"}},
        "view": {"1": {"fid_list": [1]}},
        "metadata": {"1_n": {"vid": "1", "flg": 0, "z": [], "xy": [2, 2, 1, 4, 4], "av": {"1": "0"}}},
    }
)
VIA_CSV = (
    b"filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    b'a.png,12,{},1,0,"{""name"":""rect"",""x"":2,""y"":1,""width"":4,""height"":4}","{""class"":""cat""}"\n'
)
CVAT = b"""<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>t</name><labels>
<label><name>road</name><color>#ff8000</color></label></labels>
<original_size><width>6</width><height>5</height></original_size></task></meta>
<image id="0" name="a.png" width="6" height="5">
<polygon label="road" points="0,0;2,0;2,2;0,2" z_order="0"></polygon>
<box label="road" xtl="3.00" ytl="0.00" xbr="5.00" ybr="1.00" rotation="20"/>
<ellipse label="road" cx="3" cy="2" rx="2" ry="1"/>
<mask label="road" rle="1, 2, 2, 1" left="2" top="2" width="3" height="2" z_order="0"></mask>
</image></annotations>"""
FILM = b"""<annotations><meta><task><original_size><width>6</width><height>5</height></original_size></task></meta>
<track id="0" label="road"><box frame="0" outside="0" xtl="1" ytl="1" xbr="3" ybr="3"/>
<box frame="3" outside="1" xtl="1" ytl="1" xbr="3" ybr="3"/></track></annotations>"""
DATUMARO = as_json(
    {
        "info": {},
        "categories": {
            "label": {"labels": [{"name": name, "parent": "", "attributes": []} for name in ("sky", "road")]},
            "mask": {"colormap": [{"label_id": 1, "r": 1, "g": 2, "b": 3}]},
        },
        "items": [
            {
                "id": "sub/a",
                "annotations": [
                    {"type": "polygon", "label_id": 1, "points": FLAT, "z_order": 1},
                    {"type": "bbox", "label_id": 1, "bbox": [1, 1, 3, 3], "attributes": {"rotation": 90.0}},
                    {"type": "mask", "label_id": 1, "rle": {"size": [5, 6], "counts": "6320009"}},
                    {"type": "ellipse", "label_id": 1, "points": [0, 1, 6, 4]},
                ],
                "image": {"path": "sub/a.png", "size": [5, 6]},
            }
        ],
    }
)
SEGMENTS = as_json(
    {
        "name": "v1",
        "dataset": {
            "task_attributes": {"categories": [{"id": 1, "name": "car", "color": [10, 20, 30]}]},
            "samples": [
                {
                    "name": "a.jpg",
                    "labels": {
                        "ground-truth": {
                            "attributes": {
                                "annotations": [{"id": 1, "category_id": 1}],
                                "segmentation_bitmap": {"url": "https://x/assets/u0.png?key=1"},
                                "format_version": "0.1",
                            }
                        }
                    },
                }
            ],
        },
    }
)
SUPERVISELY = as_json({"classes": [{"title": "car", "shape": "any", "color": "#FF0080"}], "tags": []})
OBJECTS = as_json(
    {
        "size": {"height": 8, "width": 9},
        "tags": [],
        "objects": [
            {"classTitle": "car", "geometryType": "polygon", "points": {"exterior": SQUARE, "interior": [SQUARE]}},
            {"classTitle": "car", "geometryType": "oriented_bbox", "points": [[0, 0], [4, 2]], "angle": 0.3},
            {
                "classTitle": "car",
                "geometryType": "bitmap",
                "bitmap": {
                    "origin": [3, 1],
                    "data": base64.b64encode(zlib.compress(_png(np.ones((2, 2))))).decode(),
                },
            },
        ],
    }
)
YOLO = b"path: /elsewhere/d\ntrain: images/train\nval: images/train\nnames: {0: road, 1: car}\n"
POLYGONS = b"0 0 0 .5 0 .5 .5\n\n1.0 .1 .1 .5 .1 .5 .5 .1 .5\n"

ANNOTATIONS = (
    Reader("COCO", "a.json", (COCO,), _project),
    Reader("COCO panoptic", "a.json", (PANOPTIC,), _project, (("a/a.png", NUMBERS),)),
    Reader("Label Studio", "a.json", (LABEL_STUDIO,), _project),
    Reader("VIA", "a.json", (VIA, VIA_3), _project),
    Reader("VIA as CSV", "a.csv", (VIA_CSV,), _project),
    Reader("CVAT", "a.xml", (CVAT, FILM), _project),
    Reader("datumaro", "a.json", (DATUMARO,), _project),
    Reader("Segments.ai", "a.json", (SEGMENTS,), _project, (("u0.png", NUMBERS),)),
    Reader(
        "Supervisely",
        "meta.json",
        (SUPERVISELY,),
        _project,
        (("d/ann/a.png.json", OBJECTS), ("d/img/a.png", NUMBERS)),
    ),
    Reader(
        "Supervisely objects",
        "d/ann/a.png.json",
        (OBJECTS,),
        lambda file: _project(file.parents[2] / "meta.json"),
        (("meta.json", SUPERVISELY), ("d/img/a.png", NUMBERS)),
    ),
    Reader(
        "Ultralytics",
        "data.yaml",
        (YOLO,),
        _project,
        (("images/train/a.png", NUMBERS), ("labels/train/a.txt", POLYGONS)),
    ),
    Reader(
        "Ultralytics polygons",
        "labels/train/a.txt",
        (POLYGONS,),
        lambda file: _project(file.parents[2] / "data.yaml"),
        (("data.yaml", YOLO), ("images/train/a.png", NUMBERS)),
    ),
    Reader("LabelMe", "a.json", (LABELME,), _of_form("a LabelMe file")),
    Reader("GeoJSON", "a.geojson", (GEOJSON,), _of_form("a GeoJSON file")),
    Reader("Darwin", "a.json", (DARWIN,), _of_form("a Darwin file")),
)
"""Every form of annotations."""
