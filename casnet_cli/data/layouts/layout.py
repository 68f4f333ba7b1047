"""What a folder was recognized as."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.layouts.pairing import FilePair


@dataclass(frozen=True)
class Layout:
    """A folder of one's own data, as it was recognized."""

    what: str
    """What it is, in words: `pictures and masks in sister folders`."""
    evidence: str
    """By what it was recognized."""
    pairs: tuple[FilePair, ...] = ()
    """Every picture with its mask; empty if the labels are annotations."""
    spare: tuple[Path, ...] = ()
    """Masks that belong to no picture."""
    searched: Path = Path()
    """Where masks were looked for."""
    table: ClassTable | None = None
    """The classes, if the layout brings them."""
    annotations: tuple[Path, ...] = ()
    """Annotation files, such as COCO's."""
    images: Path | None = None
    """Folder of the pictures that the annotations name, or that outlines lie in."""
    outlines: Path | None = None
    """Folder of the outlines, an annotation file a picture."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """The split of each name, where the layout says it in another way than by sub-folders."""
    settings: str = ""
    """What the layout took by choice, where the files alone do not decide it."""

    @property
    def sentence(self) -> str:
        """What it is and by what evidence, for the user."""
        return ": ".join(filter(None, (self.what, self.evidence)))

    @property
    def masks(self) -> list[Path]:
        """All mask files."""
        single = [one.label for one in self.pairs if one.label and not one.parts]
        return [*single, *(file for one in self.pairs for _, file in one.parts), *self.spare]
