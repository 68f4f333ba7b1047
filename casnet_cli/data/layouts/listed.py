"""Pairs that a list names: CSV, text or JSON lines with a picture and its mask on each line."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.lists import Finder, is_picture, plain, read_lines, read_rows, without_ending
from casnet_cli.data.layouts.names import TOPS, words
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import missing_partner
from casnet_cli.data.splits import SPLITS
from casnet_cli.errors import DataError
from casnet_cli.util.text import count


def listed_pairs(tree: Tree) -> Layout | None:
    """Lists of pairs below a folder; of several each is a split, as its name says.

    Raises DataError as `pairs_of` does.
    """
    rows_of = {file: rows for file in tree.lists if (rows := pairs_in(file))}
    if not rows_of or not tree.pictures:
        return None
    return pairs_of(tree, rows_of)


Rows = list[tuple[int, tuple[str, ...]]]
"""Number of each line of a list, and the name of its picture, with or without that of its mask."""


def pairs_of(tree: Tree, rows_of: Mapping[Path, Rows]) -> Layout:
    """The pairs of lists. A line of one name is a picture without mask.

    Raises DataError if a line names a file that is not there, or a picture stands in two lines.
    """
    finder = Finder({tree.relative(file).as_posix(): file for file in tree.pictures}, endings=True)
    pairs: dict[str, FilePair] = {}
    splits: dict[str, str] = {}
    for file, rows in rows_of.items():
        for number, texts in rows:
            beside = tree.relative(file).parent
            image, *labels = (_found(finder, text, beside, f"{file}: line {number}") for text in texts)
            name = without_ending(tree.relative(image).as_posix())
            if name in pairs:
                raise DataError(f"{file}: line {number}: {texts[0]} stands in a line before (one line a picture)")
            label = labels[0] if labels else None
            pairs[name] = FilePair(name, image, label, None if label else missing_partner(image, None, file))
            if top := split_of(file):
                splits[name] = top
    used = {file for one in pairs.values() for file in (one.image, one.label) if file}
    others = len(tree.pictures) - len(used)
    besides = f"; {others} other pictures are in no list" if others else ""
    named = ", ".join(str(tree.relative(file)) for file in rows_of)
    number = sum(one.label is not None for one in pairs.values())
    evidence = f"{count(number, 'pair')} in {named}{besides}"
    what = "pictures and masks named by a list"
    return Layout(what, evidence, tuple(pairs.values()), (), tree.root, splits=whole_splits(splits, list(pairs)))


def whole_splits(splits: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """The split of each name, train where lists of splits leave it open; none if no list names images of train."""
    found = {name: splits.get(name, "train") for name in names}
    return found if splits and "train" in found.values() else {}


def pairs_in(file: Path) -> Rows:
    """The lines of a list of pairs; none if it is no such list."""
    rows = read_rows(file)
    found = named_in(rows)
    pairs = sum(len(names) == 2 for _, names in found)
    return found if pairs and 2 * pairs >= len(found) and 2 * len(found) >= len(rows) else []


def named_in(rows: Rows) -> Rows:
    """The lines that name pictures, with the first two of these names."""
    found = [(number, tuple(text for text in columns if is_picture(text))[:2]) for number, columns in rows]
    return [(number, names) for number, names in found if names]


def _found(finder: Finder, text: str, beside: PurePosixPath, where: str) -> Path:
    """The file of a name: as seen from the list's own folder, else from elsewhere."""
    if near := finder.files.get((beside / plain(text).lstrip("/")).as_posix()):
        return near
    matches = finder.matches(text)
    if len(matches) != 1:
        wrong = f"could be {matches[0]} or {matches[1]}" if matches else "is not there"
        raise DataError(f"{where}: {text} {wrong} (names of files below the folder)")
    return finder.files[matches[0]]


def split_of(file: Path) -> str | None:
    """The split that the name of a list says, else that of its folder; None: neither does."""
    for text in (file.stem, file.parent.name):
        tops = {TOPS[word] for word in words(text) if word in TOPS}
        if len(tops) == 1:
            return tops.pop()
    return None


def split_lists(tree: Tree, names: dict[str, Path]) -> tuple[Path | None, ...]:
    """The lists of train, val and test below a folder that name most of these images; empty if there is none of train.

    names: the images, by name.
    """
    finder, found = Finder(names), {}
    for file in tree.lists:
        top = TOPS.get(file.stem.lower())
        if top is None or file.suffix.lower() == ".jsonl":
            continue
        lines = [text for _, text in read_lines(file)]
        if top in found:
            return ()
        if lines and 10 * sum(len(finder.matches(text)) == 1 for text in lines) >= 9 * len(lines):
            found[top] = file
    return tuple(found.get(split) for split in SPLITS) if "train" in found else ()
