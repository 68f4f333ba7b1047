"""Pictures that annotation files name: by absolute paths, other folders, backslashes, or the name alone."""

import os
import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.data.sources.base import files_below
from casnet_cli.errors import Unfit, UnfitKind


class NamedPictures:
    """The pictures below a folder, found by the names that annotation files give them."""

    def __init__(self, folder: Path, without: Collection[Path] = ()):
        """Lists the folder. without: files that are no pictures. Raises DataError for a name that is no UTF-8."""
        self.folder = folder
        self._by_name: dict[str, list[Path]] = {}
        self._by_uploaded: dict[str, list[Path]] = {}
        others = {file.absolute() for file in without}
        files = files_below(folder, readable_endings(), once=False).values()
        self.files = [one for one in files if not others or one.absolute() not in others]
        """All pictures, in the order of their names."""
        for file in self.files:
            self._by_name.setdefault(_folded(file.name), []).append(file)
            self._by_uploaded.setdefault(_uploaded(file.name), []).append(file)

    def find(self, name: str, beside: Path | None = None) -> Path:
        """The picture of a name: the file itself, else the one with which most of the path's end agrees.

        Where no file has the name, those count that have it when they are uploaded to Label Studio.

        beside: folder of the annotation file; a picture below it is preferred. Raises Unfit if there is none, or if
        several agree equally.
        """
        text = name.replace("\\", "/")
        parts = [part for part in PurePosixPath(text).parts if part not in ("/", ".", "..")]
        last = _folded(parts[-1]) if parts and "\0" not in name else ""
        candidates = self._by_name.get(last) or self._by_uploaded.get(last)
        if not candidates:
            raise Unfit(f"there is no such picture in {self.folder}", UnfitKind.NO_IMAGE)
        scores = [(_agreeing(file, parts), file) for file in candidates]
        best = [file for score, file in scores if score == max(scores)[0]]
        if len(best) > 1 and beside:
            near = [file for file in best if beside in file.parents]
            best = near or best
        exact = [file for file in best if file == Path(os.path.normpath(self.folder / text))]
        if len(best) > 1 and not exact:
            raise Unfit(f"could be {best[0]} or {best[1]} (name it with its sub-folder)", UnfitKind.NO_IMAGE)
        return (exact or best)[0]

    def key(self, file: Path) -> str:
        """Its path below the folder, without ending."""
        return file.relative_to(self.folder).with_suffix("").as_posix()


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _uploaded(text: str) -> str:
    """The name under which Django, on which Label Studio rests, stores an uploaded file."""
    return re.sub(r"[^-\w.]", "", _folded(text).strip().replace(" ", "_"))


def _agreeing(file: Path, parts: Sequence[str]) -> int:
    """How many parts of two paths agree, from the end."""
    number = 0
    for one, other in zip(reversed(file.parts), reversed(parts), strict=False):
        if _folded(one) != _folded(other):
            break
        number += 1
    return number
