"""Lists of files and of pairs: text with a name a line, CSV, and JSON lines."""

import codecs
import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.names import role
from casnet_cli.data.pixels.formats import PICTURE_ENDINGS
from casnet_cli.data.sources.base import read_bytes
from casnet_cli.errors import DataError
from casnet_cli.util.parsing import json_of

LIST_ENDINGS = (".txt", ".csv", ".tsv", ".lst", ".jsonl")
"""Endings of files that may list pictures, in small letters."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_text(file: Path) -> str:
    """The text of a list: UTF-8 or UTF-16 with or without mark, else Latin-1. Raises DataError if it cannot be read."""
    content = read_bytes(file)
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if 3 * content[1:4000:2].count(0) > len(content[1:4000:2]):
        return content.decode("utf-16-le", "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def read_lines(file: Path) -> list[tuple[int, str]]:
    """The lines that are not empty, with their numbers from 1. Raises DataError as `read_text` does."""
    numbered = enumerate(read_text(file).splitlines(), 1)
    return [(number, line.strip()) for number, line in numbered if line.strip(" \t\0\ufeff")]


def read_rows(file: Path) -> list[tuple[int, tuple[str, ...]]]:
    """The columns of each line, with its number: of CSV, text with blanks or tabs between, or JSON lines.

    Of JSON lines, and of CSV whose first line names the columns, the names of pictures as `named_files` has them.
    Raises DataError as `read_text` does.
    """
    found: list[tuple[int, tuple[str, ...]]] = []
    header: tuple[str, ...] = ()
    for number, line in read_lines(file):
        if file.suffix.lower() == ".jsonl":
            found.append((number, _of_json(line, f"{file}: line {number}")))
            continue
        delimiter = next((one for one in "\t;," if one in line), " ")
        try:
            cells = next(csv.reader(io.StringIO(line), delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:  # a column longer than any name
            cells = [line]
        columns = tuple(text.strip().strip("\"'") for text in cells)
        if not found and not any(map(is_picture, columns)):
            header = columns
        if header and len(columns) == len(header) and any(map(is_picture, columns)):
            found.append((number, named_files(zip(header, columns, strict=True))))
        else:
            found.append((number, tuple(filter(None, columns))))
    return found


def named_files(columns: Iterable[tuple[str, object]]) -> tuple[str, ...]:
    """Names of pictures among the values of columns: of several columns that of the picture, then that of the mask.

    `mask_file_name` is a mask's; where no column's name says so, they stay in their order.
    """
    files = [(name, text) for name, text in columns if isinstance(text, str) and is_picture(text)]
    masks = [text for name, text in files if role(name) == "mask"]
    others = [(name, text) for name, text in files if role(name) != "mask"]
    if not masks or not others:
        return tuple(text for _, text in files)
    pictures = [text for name, text in others if name == "file_name" or role(name) == "picture"]
    return (pictures or [others[0][1]])[0], masks[0]


def _of_json(line: str, where: str) -> tuple[str, ...]:
    try:
        record = json_of(line)
    except ValueError:
        raise DataError(f"{where}: no JSON (expected one record a line)") from None
    return named_files(record.items()) if isinstance(record, dict) else ()


def is_picture(text: str) -> bool:
    """Whether a text ends like the name of a picture."""
    return text.lower().endswith(PICTURE_ENDINGS)


def plain(text: str) -> str:
    """A name as lists have it in one form: '/' between folders, and neither `./` nor quotes around."""
    text = text.strip().strip("\"'").replace("\\", "/")
    return re.sub(r"^(\./)+", "", re.sub(r"/\./|//+", "/", text))


def without_ending(text: str) -> str:
    """A name without the ending of a picture."""
    return text.removesuffix(PurePosixPath(text).suffix) if is_picture(text) else text


class Finder:
    """Finds the files that lists name, however these name them."""

    def __init__(self, files: dict[str, Path], endings: bool = False) -> None:
        """files: by name, '/' between folders. endings: whether names have, and texts mean, endings."""
        self.files, self.endings = files, endings
        self._whole = {folded(name): name for name in files}
        self._last: dict[str, list[str]] = {}
        for name in files:
            self._last.setdefault(folded(PurePosixPath(name).name), []).append(name)

    def matches(self, text: str) -> list[str]:
        """Names of the files that a text may mean: none, one, or those that cannot be told apart.

        A relative name is the end of a file's path; of an absolute one the longest end that is counts.
        """
        text = plain(text)
        text = text if self.endings else without_ending(text)
        absolute = text.startswith("/") or re.match(r"[A-Za-z]:/", text) is not None
        parts = tuple(folded(part) for part in PurePosixPath(text.strip("/")).parts)
        if not parts:
            return []
        if (whole := "/".join(parts)) in self._whole:
            return [self._whole[whole]]
        best: dict[int, list[str]] = {}
        for name in self._last.get(parts[-1], []):
            place = self.files[name].absolute().parent.parts[1:]
            own = tuple(folded(part) for part in (*place, PurePosixPath(name).name))
            named = tuple(folded(part) for part in PurePosixPath(name).parts)
            common = max(_common_end(parts, own), _common_end(parts, named))
            if absolute or common == len(parts):
                best.setdefault(common, []).append(name)
        return best[max(best)] if best else []


def _common_end(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    number = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        number += 1
    return number
