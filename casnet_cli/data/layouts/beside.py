"""Pictures and masks side by side in one folder, told apart by their names, and by a look at a few of them."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.names import MASK_WORDS, words
from casnet_cli.data.masks.mask_census import census
from casnet_cli.errors import CasnetError

LOSSY_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".heic", ".heif", ".avif")
"""Endings of photographs rather than of masks, in small letters."""

LOOKS = 3
"""Files of each kind that are looked at."""

UNKNOWN_VALUES = 1 << 30


@dataclass(frozen=True)
class Beside:
    """Files of one folder, divided."""

    pictures: list[Path]
    """The pictures."""
    masks: list[Path]
    """The masks; files that are neither are in none."""
    evidence: str
    """By what they were told apart."""


@dataclass(frozen=True)
class _Kind:
    """An addition to names, or an ending, and the files that have it, by what is left of the name."""

    text: str
    files: dict[tuple[str, str], Path]


def divide(files: Sequence[Path], root: Path) -> Beside | None:
    """Tell masks from pictures among the files below a folder; None if no two belong together by their names."""
    found = [kinds for kinds in (_by_ending(files, root), *_by_addition(files, root)) if kinds]
    if not found:
        return None
    one, other = max(found, key=lambda kinds: len(kinds[0].files.keys() & kinds[1].files.keys()))
    together = sorted(one.files.keys() & other.files.keys())
    if _is_mask(one, other, together):
        one, other = other, one
    first = together[0]
    what = (
        f"{one.files[first].name} and {other.files[first].name} belong together, {other.files[first].name} is the mask"
    )
    return Beside(list(one.files.values()), list(other.files.values()), what)


def _by_ending(files: Sequence[Path], root: Path) -> tuple[_Kind, _Kind] | None:
    """`1.jpg` and `1.png`."""
    by_name: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    for file in files:
        by_name[_place(file, root)][file.suffix.lower()] = file
    both = Counter(tuple(sorted(members)) for members in by_name.values() if len(members) == 2)
    if not both:
        return None
    (one, other), _ = both.most_common(1)[0]
    kinds = [{place: members[end] for place, members in by_name.items() if end in members} for end in (one, other)]
    return _Kind(one, kinds[0]), _Kind(other, kinds[1])


def _by_addition(files: Sequence[Path], root: Path) -> list[tuple[_Kind, _Kind]]:
    """`1.png` and `1_mask.png`, `mask_1.png` and `img_1.png`."""
    found = []
    for pattern in (
        r"(?P<core>.+?)(?P<added>[_\-. ]+[^\W_]*[^\W\d_][^\W_]*)",
        r"(?P<added>[^\W\d_]+[_\-. ]*)(?P<core>.+)",
    ):
        kinds: dict[str, dict[tuple[str, str], Path]] = defaultdict(dict)
        for file in files:
            group, stem = _place(file, root)
            kinds[""].setdefault((group, stem), file)
            match = re.fullmatch(pattern, stem)
            if match:
                kinds[match["added"]].setdefault((group, match["core"]), file)
        common = sorted(kinds, key=lambda text: (-len(kinds[text]), text))[:20]
        counts = {
            (one, other): len(kinds[one].keys() & kinds[other].keys())
            for index, one in enumerate(common)
            for other in common[index + 1 :]
        }
        best = max(counts, key=lambda pair: (counts[pair], bool(_words(pair) & MASK_WORDS)), default=None)
        if best and counts[best]:
            one, other = best
            masked = set(kinds[other].values()) if one == "" else set(kinds[one].values()) if other == "" else set()
            plain = {place: file for place, file in kinds[""].items() if file not in masked}
            found.append(tuple(_Kind(text, kinds[text] if text else plain) for text in best))
    return found  # type: ignore[return-value]


def _words(texts: Sequence[str]) -> set[str]:
    return {word for text in texts for word in words(text)}


def _place(file: Path, root: Path) -> tuple[str, str]:
    relative = PurePosixPath(file.relative_to(root).as_posix())
    return folded(str(relative.parent)), folded(relative.stem)


def _is_mask(one: _Kind, other: _Kind, together: Sequence[tuple[str, str]]) -> bool:
    """Whether the first kind is the masks: as its name says, else its ending, else a look at a few files."""
    said = [bool(_words([kind.text]) & MASK_WORDS) for kind in (one, other)]
    if said[0] != said[1]:
        return said[0]
    return looks_like_masks([one.files[place] for place in together], [other.files[place] for place in together])


def looks_like_masks(one: Sequence[Path], other: Sequence[Path]) -> bool:
    """Whether the first ones of two kinds of files are masks: as their endings say, else a look at a few files."""
    lossy = [files[0].suffix.lower() in LOSSY_ENDINGS for files in (one, other)]
    if lossy[0] != lossy[1]:
        return lossy[1]
    numbers = [sum(map(_values, files[:LOOKS])) for files in (one, other)]
    return numbers[0] < numbers[1]


def _values(file: Path) -> int:
    """Different values of a file; many for one that can be no mask."""
    try:
        return census(file).different
    except CasnetError:
        return UNKNOWN_VALUES
