"""The options that describe one's own data; importing them costs next to nothing."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli.data import sources
from casnet_cli.data.layouts.names import project
from casnet_cli.data.masks.mending import NO_MENDING, Mending
from casnet_cli.data.pixels.options import PictureOptions

if TYPE_CHECKING:
    from casnet_cli.labels import LabelSet

_ENDINGS = r"\.(zip|tar|tgz|tar\.gz)$|(-\d{5}-of-\d{5}(-[0-9a-f]+)?)?\.(parquet|arrow)$"

FOLDER = "folder"
"""The name of one's own data, in place of that of a known data set."""

TABLE = "classes.toml"
"""The table of classes that is taken if it lies in the folder and --classes names none."""


@dataclass(frozen=True)
class FolderOptions:
    """The options of `casnet prepare folder` and `casnet check folder`: one's own data."""

    root: Path | None = None
    """Folder to recognize; None: the fields below name what there is."""
    images: Path | None = None
    """Folder of the images."""
    masks: Path | None = None
    """Folder of the masks, or of annotations with a file a picture."""
    annotations: tuple[str, ...] = ()
    """Annotation files in place of masks, each `FILE` or with its split, `train=FILE`."""
    boxes: str | None = None
    """What becomes of boxes without outline: `draw` or `skip`; None: they are an error."""
    classes: Path | None = None
    """Table of classes, a TOML file."""
    name: str | None = None
    """Of the data set; None: that of the project's folder."""
    pair: str | None = None
    """Pattern of the names of images and of masks."""
    missing: str | None = None
    """What is made of images without mask: `background`, `void` or `skip`; None: they are an error."""
    val_fraction: float | None = None
    """Share of the images for val, 0 or more and less than 1; None: none."""
    test_fraction: float | None = None
    """Share of the images for test; None: none."""
    split_files: tuple[Path, Path, Path] | None = None
    """Lists of the images of train, val and test; `-` stands for none."""
    folds: int | None = None
    """Number of folds of cross-validation."""
    group_by: str | None = None
    """Pattern of the part of a name that images of one split share."""
    pictures: PictureOptions = PictureOptions()
    """How the images are taken: range, bands, no data; and whether masks are fitted to them."""
    mending: Mending = NO_MENDING
    """What is done to pixels of masks that no class and no void claims."""
    propose: bool = False
    """Only write a table of classes to edit."""
    add: Path | None = None
    """Prepared file that the images are added to."""
    labels: "LabelSet | None" = None
    """Its classes: they hold where neither a table nor the layout says others."""

    @property
    def described(self) -> bool:
        """Whether any option is given besides the folder and the name."""
        return replace(self, root=None, name=None) != NO_OPTIONS

    @property
    def divided(self) -> bool:
        """Whether options say the split of each image."""
        fractions = self.val_fraction or self.test_fraction
        return bool(fractions or self.split_files or self.folds is not None or self.add)


NO_OPTIONS = FolderOptions()
"""What holds if no option is given."""


def default_name(path: Path) -> str:
    """The name of a data set after its folder or archive; that of the project if the folder's says only its role."""
    resolved = path.resolve()
    parts = (*resolved.parts[1:-1], re.sub(_ENDINGS, "", resolved.name))
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", project(parts) or "data").lstrip(".-") or "data"
    return f"my-{name}" if name in sources.SOURCES else name
