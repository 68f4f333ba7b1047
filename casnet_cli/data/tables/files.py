"""Which tables of pictures lie in a folder, and the split of each, by Hugging Face's rules of names."""

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from casnet_cli.data.layouts.names import TOPS
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.errors import DataError
from casnet_cli.util.parsing import json_of, yaml_of

TABLE_ENDINGS = (".parquet", ".arrow")
"""Of files, in small letters."""

STATE = "state.json"
"""In each folder that `save_to_disk` wrote; it names the Arrow files."""

CARD = "README.md"
"""Describes a data set of the Hub; its first lines, in YAML, name the configurations."""

_SPLITS = {**TOPS, "eval": "test", "evaluation": "test"}
_SHARD = re.compile(r"(.+?)-\d{5}-of-\d{5}(-[0-9a-f]+)?")


@dataclass(frozen=True)
class TableFile:
    """A table, or a part of one."""

    file: Path
    """The Parquet or Arrow file."""
    split: str
    """The folder of its pictures: train, val, test; a word of its name if others name a split; empty if none does."""


def is_table(path: Path) -> bool:
    """Whether a path is a table by its name."""
    return path.is_file() and path.suffix.lower() in TABLE_ENDINGS


def tables_of(path: Path) -> list[TableFile]:
    """A table itself, or those below a folder that holds no picture, in the order of their names.

    Raises DataError if there are several configurations.
    """
    if is_table(path):
        return [TableFile(path, "")]
    found = sorted(_below(path))
    if not found:
        return []
    _check_configurations(path, found)
    splits = {file: _split_of(PurePosixPath(file.relative_to(path).as_posix())) for file in found}
    if not any(splits.values()):
        return [TableFile(file, "") for file in found]
    return [TableFile(file, splits[file] or _without_number(file.stem)) for file in found]


def _below(root: Path) -> list[Path]:
    """Parquet files, else the Arrow files of `save_to_disk`; none if there is a picture."""
    pictures = readable_endings()
    parquet: list[Path] = []
    arrow: list[Path] = []
    for where, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = [name for name in names if not name.startswith(".")]
        if any(name.lower().endswith(pictures) for name in shown):
            return []
        parquet += [Path(where, name) for name in shown if name.lower().endswith(".parquet")]
        if STATE in shown:
            arrow += _named_by(Path(where, STATE))
    return parquet or arrow


def _named_by(state: Path) -> list[Path]:
    """The Arrow files of a folder of `save_to_disk`. Others beside them are caches of what was done to the data."""
    try:
        names = [str(one["filename"]) for one in json_of(state.read_bytes())["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    files = [state.parent / PurePosixPath(name).name for name in names]
    if missing := next((file for file in files if not file.is_file()), None):
        raise DataError(f"{missing}: is not there, and {state} names it (copy the whole folder)")
    return files


def _split_of(relative: PurePosixPath) -> str:
    """By the name of a part in `data/`, else by the innermost folder that names one, else by the file; or empty."""
    texts = [*reversed(relative.parts[:-1]), relative.stem]
    if relative.parent.name == "data" and _SHARD.fullmatch(relative.stem):
        texts.insert(0, relative.stem)
    words = (word for text in texts for word in re.split(r"[-._ \d]+", text.lower()))
    return next((_SPLITS[word] for word in words if word in _SPLITS), "")


def _without_number(stem: str) -> str:
    match = _SHARD.fullmatch(stem)
    return match[1] if match else stem


def _check_configurations(root: Path, files: Sequence[Path]) -> None:
    """Raise DataError if files of several configurations are there, whose rows are not of one data set."""
    names = [file.relative_to(root).as_posix() for file in files]
    present = {
        name: pattern
        for name, patterns in _configurations(root / CARD).items()
        for pattern in patterns
        if fnmatch.filter(names, pattern)
    }
    if len(present) > 1:
        listed = ", ".join(f"{name} ({pattern})" for name, pattern in present.items())
        raise DataError(f"{root}: {CARD} names several configurations: {listed} (name the folder or the file of one)")


def _configurations(card: Path) -> dict[str, list[str]]:
    """Patterns of the files of each configuration that the card of a data set names."""
    try:
        head = re.match(r"---\s*\n(.*?)\n---", card.read_text(encoding="utf-8"), re.DOTALL)
        listed = yaml_of(head[1].encode())["configs"] if head else []
        return {str(one["config_name"]): list(_texts(one.get("data_files"))) for one in listed}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _texts(given: object) -> Iterator[str]:
    """All patterns among `data/*`, a list of them, or tables of `split` and `path`."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict):
        yield from _texts(given.get("path"))
    elif isinstance(given, list):
        for one in given:
            yield from _texts(one)
