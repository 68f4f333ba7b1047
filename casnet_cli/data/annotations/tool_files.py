"""The files that labelling tools write, and what they are recognized by: one table, for all messages and readers."""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

PIECE = 1 << 18
"""Bytes at the beginning and at the end of a file in which its keys are looked for."""


class Scope(Enum):
    """What casnet does with a kind of file."""

    MANY = "name it by --annotations"
    """It lists several pictures, and is taken."""
    ONE = "name its folder by --masks"
    """Each picture has one, and they are taken."""
    OTHER = ""
    """It is not taken."""


COCO, LABELME, GEOJSON = "a COCO file", "a LabelMe file", "a GeoJSON file"
PANOPTIC = "a COCO panoptic file"
LABEL_STUDIO = "a Label Studio export"
VIA, VIA_3 = "a VIA file", "a VIA 3 project"
CVAT, DATUMARO = "a CVAT file", "a datumaro file"
YOLO = "a data set of Ultralytics"
SUPERVISELY = "a Supervisely project"
DARWIN = "a Darwin file"
SEGMENTS = "a Segments.ai release"


@dataclass(frozen=True)
class ToolFile:
    """A kind of file that a tool writes."""

    name: str
    """As `a VIA project`."""
    begins: str
    """First character that is no blank: `{` and `[` of JSON, `<` of XML; empty: of YAML and CSV, whatever it is."""
    keys: tuple[str, ...]
    """Keys of objects, or names of elements or columns, that all occur."""
    scope: Scope = Scope.OTHER
    """What casnet does with it."""
    advice: str = ""
    """What to do with a file that is not taken."""
    ending: str = ".json"
    """Of its files, in small letters."""
    pictures: str = ""
    """The folder, beside the file or beside that one's folder, in which the tool exports the pictures."""

    @property
    def remedy(self) -> str:
        """What to do with such a file."""
        return self.advice or self.scope.value


TOOLS = (
    ToolFile(PANOPTIC, "{", ("segments_info", "categories"), Scope.MANY),
    ToolFile(COCO, "{", ("images", "annotations", "categories"), Scope.MANY),
    ToolFile("a Cityscapes polygon file", "{", ("imgHeight", "objects"), advice="take its PNG files as masks"),
    ToolFile(LABELME, "{", ("shapes", "imagePath"), Scope.ONE),
    ToolFile(LABELME, "{", ("shapes", "shape_type"), Scope.ONE),
    ToolFile(VIA, "{", ("_via_img_metadata",), Scope.MANY),
    ToolFile(VIA_3, "{", ("project", "view", "metadata"), Scope.MANY),
    ToolFile(VIA, "{", ("filename", "regions"), Scope.MANY),
    ToolFile(VIA, "", ("filename", "region_shape_attributes"), Scope.MANY, ending=".csv"),
    ToolFile(LABEL_STUDIO, "[", ("data", "annotations"), Scope.MANY),
    ToolFile(LABEL_STUDIO, "[", ("data", "completions"), Scope.MANY),
    ToolFile(LABEL_STUDIO, "[", ("data", "predictions"), Scope.MANY),
    ToolFile(LABEL_STUDIO, "[", ("annotator", "annotation_id"), Scope.MANY),
    ToolFile(CVAT, "<", ("annotations", "image"), Scope.MANY, ending=".xml", pictures="images"),
    ToolFile(CVAT, "<", ("annotations", "track"), Scope.MANY, ending=".xml", pictures="images"),
    ToolFile(DATUMARO, "{", ("items", "categories"), Scope.MANY, pictures="images"),
    ToolFile(SUPERVISELY, "{", ("classes", "title", "shape", "color"), Scope.MANY),
    ToolFile(
        "a Supervisely annotation", "{", ("objects", "size"), advice="name its project's meta.json by --annotations"
    ),
    ToolFile(DARWIN, "{", ("item", "annotations"), Scope.ONE),
    ToolFile(DARWIN, "{", ("dataset", "image", "annotations", "workview_url"), Scope.ONE),
    ToolFile(SEGMENTS, "{", ("dataset", "task_attributes", "samples"), Scope.MANY),
    ToolFile("COCO's form of results", "[", ("image_id", "category_id"), advice="name the COCO file of labels"),
    ToolFile(YOLO, "", ("train", "names"), Scope.MANY, ending=".yaml"),
    ToolFile(GEOJSON, "{", ("type", "features"), Scope.ONE, ending=".geojson"),
    ToolFile(GEOJSON, "{", ("type", "geometry"), Scope.ONE, ending=".geojson"),
    ToolFile(GEOJSON, "[", ("type", "geometry"), Scope.ONE, ending=".geojson"),
)
"""The first that a file agrees with counts: those with more telling keys stand first."""

FORMS = {
    COCO: "images, annotations and categories",
    PANOPTIC: "images, annotations with segments_info, and categories",
    LABELME: "shapes, imageHeight and imageWidth",
    GEOJSON: "a list of features",
    DARWIN: "item and annotations",
    SEGMENTS: "a dataset with samples",
    SUPERVISELY: "classes in meta.json, objects and size beside the pictures",
    LABEL_STUDIO: "a list of tasks",
    VIA: "pictures, each with filename and regions",
    VIA_3: "file, view, metadata and attribute",
    DATUMARO: "items and categories",
}
"""What a file of each form that is taken holds."""


def tool_of(file: Path) -> ToolFile | None:
    """The kind of an annotation file, by a look at its ends; None: none that is known, or it cannot be read."""
    try:
        with file.open("rb") as stream:
            content = stream.read(PIECE)
            if (size := file.stat().st_size) > PIECE:
                stream.seek(max(PIECE, size - PIECE))
                content += stream.read()
    except OSError:
        return None
    content = content.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")  # of UTF-16 too
    if file.suffix.lower() in (".yaml", ".yml"):
        begins, found = "", set(re.findall(rb"(?m)^([A-Za-z_]+)()\s*:", content))
    elif file.suffix.lower() == ".csv":
        begins, found = "", set(re.findall(rb"([A-Za-z_]+)()", content.partition(b"\n")[0]))
    else:
        first = re.search(rb"[\[{<]", content[:100])
        begins = first.group().decode() if first else "none"
        found = set(re.findall(rb'"([A-Za-z_]+)"\s*:|<([A-Za-z_]+)[\s>/]', content))
    keys = {(key or element).decode() for key, element in found}
    return next((tool for tool in TOOLS if tool.begins == begins and keys.issuperset(tool.keys)), None)
