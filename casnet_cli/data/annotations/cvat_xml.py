"""The elements of CVAT's XML files, as texts: labels, pictures, and the shapes of each picture or frame."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from casnet_cli.errors import DataError, Unfit, UnfitKind, reason

FACTS = {
    "polygon": ("points",),
    "box": ("xtl", "ytl", "xbr", "ybr", "rotation"),
    "ellipse": ("cx", "cy", "rx", "ry", "rotation"),
    "mask": ("rle", "left", "top", "width", "height"),
}
"""The attributes of each element that say what is drawn."""

OWNERS = frozenset({"image", "track"})
"""Elements that shapes stand in."""

OF_LABEL = frozenset({"name", "color", "parent"})
"""Elements of a label that count."""


class Element(NamedTuple):
    """A shape, as the file has it."""

    kind: str
    """Its element: `polygon`, `box`, …"""
    label: str
    """Name of its class; empty: it has none."""
    order: str
    """Its `z_order`."""
    id: str
    """How it is named in messages: `shape 3`, `track 5`."""
    facts: tuple[str | None, ...]
    """The attributes that `FACTS` lists."""


@dataclass(slots=True)
class ListedPicture:
    """A picture of the file, or a frame of its film."""

    name: str
    """Of a picture, as the file has it; of a frame empty."""
    subset: str = ""
    """The part of the data set that it is in."""
    height: str | None = None
    """In pixels."""
    width: str | None = None
    """In pixels."""
    elements: list[Element] = field(default_factory=list)
    """Its shapes, in the order of the file."""


@dataclass
class CvatContent:
    """Collects what a file holds, as its elements begin and end."""

    file: Path
    """Named in messages."""
    parser: expat.XMLParserType = field(default_factory=expat.ParserCreate)
    """Calls the methods below; `characters` within `<meta>` alone, as there are many blanks."""
    labels: dict[str, str] = field(default_factory=dict)
    """The colour, `#rrggbb`, of each label, in the order of the task; without the points of skeletons."""
    pictures: list[ListedPicture] = field(default_factory=list)
    """In the order of the file."""
    frames: dict[tuple[int, str], ListedPicture] = field(default_factory=dict)
    """By number and subset."""
    path: list[str] = field(default_factory=list)
    """The elements that are open."""
    track: dict[str, str] = field(default_factory=dict)
    """The attributes of the open track."""
    label: dict[str, str] = field(default_factory=dict)
    """The texts of the open label."""
    frame_size: dict[str, str] = field(default_factory=dict)
    """`height` and `width` of the film, as texts."""
    text: str = ""
    """Of the open element."""

    def begin(self, name: str, given: dict[str, str]) -> None:
        """An element begins. Raises DataError for the root of another form, and names what lacks an attribute."""
        parent = self.path[-1] if self.path else ""
        self.path.append(name)
        if not parent and name != "annotations":
            raise DataError(f"{self.file}: this is not a CVAT file: its root is <{name}> (expected <annotations>)")
        if parent in OWNERS and len(self.path) == 3:
            if name != "track":  # of a part of a skeleton
                self._add(name, given)
        elif name == "image" and len(self.path) == 2:
            if not given.get("name"):
                raise DataError(f"{self.file}: image {len(self.pictures) + 1} has no name (expected one in each)")
            size = given.get("height"), given.get("width")
            self.pictures.append(ListedPicture(given["name"], given.get("subset", ""), *size))
        elif name == "track" and len(self.path) == 2:
            self.track = given
        elif name == "meta":
            self.parser.CharacterDataHandler = self.characters
        else:
            self.text = ""

    def _add(self, kind: str, given: dict[str, str]) -> None:
        facts = tuple([given.get(key) for key in FACTS.get(kind, ())])
        order = given.get("z_order", "0")
        if self.path[-2] == "image":
            elements = self.pictures[-1].elements
            elements.append(Element(kind, given.get("label", ""), order, f"shape {len(elements) + 1}", facts))
            return
        name, subset = f"track {self.track.get('id', '')}", self.track.get("subset", "")
        try:
            number = int(given["frame"])
        except (KeyError, ValueError):
            fault = f"{self.file}: {name}: a {kind} without a number of its frame (mend or remove it)"
            raise DataError(fault) from None
        frame = self.frames.setdefault((number, subset), ListedPicture("", subset))
        if given.get("outside") != "1":
            frame.elements.append(Element(kind, self.track.get("label", ""), order, name, facts))

    def end(self, name: str) -> None:
        """An element ends."""
        self.path.pop()
        parent = self.path[-1] if self.path else ""
        if name == "meta":
            self.parser.CharacterDataHandler = None
        elif parent == "label" and name in OF_LABEL:
            self.label[name] = self.text.strip()
        elif parent == "original_size":
            self.frame_size[name] = self.text.strip()
        elif name == "label" and parent == "labels":
            if self.label.get("name") and not self.label.get("parent"):
                self.labels[self.label["name"]] = self.label.get("color", "")
            self.label = {}

    def characters(self, text: str) -> None:
        """Text within the open element."""
        self.text += text

    def entity(self, name: str, *_: object) -> None:
        """An entity is declared, which CVAT never does and which may grow without bound. Raises DataError."""
        raise DataError(f"{self.file}: declares an entity, {name!r}, which no file of CVAT does (remove its DOCTYPE)")


def read_elements(file: Path) -> CvatContent:
    """The content of a file. Raises Unfit if it cannot be read, DataError if it is of another form."""
    content = CvatContent(file)
    parser = content.parser
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = content.begin, content.end
    parser.EntityDeclHandler = content.entity
    try:
        with file.open("rb") as stream:
            parser.ParseFile(stream)
    except OSError as error:
        raise Unfit(f"{file}: cannot be read: {reason(error)}", UnfitKind.UNREADABLE) from None
    except (expat.ExpatError, ValueError, LookupError, MemoryError) as error:
        raise Unfit(f"{file}: not readable XML: {reason(error)}", UnfitKind.UNREADABLE) from None
    if not content.pictures and not content.frames:
        raise DataError(f"{file}: lists no picture (expected <image> or <track>, as CVAT exports them)")
    return content
