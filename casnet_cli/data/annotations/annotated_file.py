"""The content of an annotation file that lists several pictures: one representation for all labelling tools."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from casnet_cli.data.annotations.shapes import PictureShapes
from casnet_cli.labels import Color


@dataclass(frozen=True, slots=True)
class AnnotatedPicture:
    """A picture that an annotation file lists."""

    name: str
    """As the file has it: a file name, a path or an address."""
    read: Callable[[], PictureShapes]
    """What was drawn on it, in the order of drawing. Raises Unfit naming the annotation that cannot be read."""
    aliases: tuple[str, ...] = ()
    """Further names to look for where no picture has the first one."""
    split: str | None = None
    """train, val or test, if the file says it."""
    absent: Path | None = None
    """Where its annotations were looked for in vain, of tools that keep them in a file a picture; None: it has some."""


@dataclass(frozen=True)
class AnnotatedFile:
    """What an annotation file holds."""

    file: Path
    """The file."""
    pictures: tuple[AnnotatedPicture, ...]
    """In the order of the file."""
    classes: Mapping[str, Color | None]
    """The names of classes, in the order in which the tool has them, and their colours where it has them."""
    ids: Mapping[str, int] = field(default_factory=dict)
    """The number of each name, which `ids` of a table of classes may list; empty: the tool does not number them."""
    boxes: tuple[str, ...] = ()
    """Annotations that are a box without outline, as messages name them; only of tools that make no mask of a box."""
    annotations: int = 0
    """How many annotations there are, boxes among them; 0: not counted."""
    notes: tuple[str, ...] = ()
    """Sentences for the user on pictures that it names: those that are left out, or without an entry."""
    masks: tuple[Path, ...] = ()
    """Mask files that it names, which are none of the pictures."""
    whole: bool = False
    """Whether shapes cover all that is labelled, so that there is no background besides."""
