"""Which label file belongs to which picture."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from casnet_cli.data.layouts.affixes import AffixRule, find_rule, folded
from casnet_cli.data.sources.base import missing_partner
from casnet_cli.errors import DataError, Unfit
from casnet_cli.util.shell import typed
from casnet_cli.util.text import count

SUFFIXES = ("_mask", "_label", "_labels", "_gt", "-mask", "-label", ".mask", ".label", "_l", "_seg")
"""Endings of masks' names that follow the name of the image, in small letters."""


@dataclass(frozen=True)
class FilePair:
    """An image with its label file."""

    name: str
    """Path relative to the folder, without ending."""
    image: Path
    """The image file."""
    label: Path | None
    """The label file; None if there is none."""
    fault: Unfit | None = None
    """Why the sample cannot be used, if that is known already."""
    parts: tuple[tuple[str, Path], ...] = ()
    """Class and file of each mask of an image that has one for each class; `label` is the first of them then."""


@dataclass(frozen=True)
class Listed:
    """A file that may be one of a pair."""

    name: str
    """Its sub-folders and name without ending, '/' between them."""
    file: Path
    """Where it lies."""
    group: str
    """Folded: its sub-folders without those that only tell pictures from masks."""
    stem: str
    """Folded: its name without ending."""


@dataclass(frozen=True)
class Pairing:
    """Pictures with their label files."""

    pairs: list[FilePair]
    """Every picture; with a fault where it has no label file."""
    spare: tuple[Path, ...]
    """Label files that belong to no picture."""
    rule: AffixRule | None = None
    """The rule by which names were found to belong together; None: none was needed."""


def listed(files: dict[str, Path]) -> list[Listed]:
    """The files of a folder, as `files_below` has them."""
    return [
        Listed(name, file, folded("/".join(PurePosixPath(name).parts[:-1])), folded(PurePosixPath(name).name))
        for name, file in files.items()
    ]


def pair(images: Sequence[Listed], labels: Sequence[Listed], searched: Path) -> Pairing:
    """Every image with its label file: the one of the same group and name, else of the same name alone.

    Additions like `_mask` do not count, nor do case and Unicode form. What is left over is paired by the rule that
    most of the names follow. searched: where labels were looked for. Raises DataError if an image could have several
    label files or a label file several images.
    """
    found = _Owners()
    by_name: dict[tuple[str, str], Listed] = {(one.group, one.stem): one for one in labels}
    by_stem: dict[str, list[Listed]] = {}
    for one in labels:
        by_stem.setdefault(_stripped(one.stem), []).append(one)
    for image in images:
        same = (by_name.get((image.group, image.stem + suffix)) for suffix in ("", *SUFFIXES))
        exact = next((one for one in same if one), None)
        found.take(image, [exact] if exact else by_stem.get(image.stem, []))
    rule = _by_rule(images, labels, found)
    pairs = []
    for image in images:
        label = found.label.get(image.file)
        fault = None if label else missing_partner(image.file, None, searched)
        pairs.append(FilePair(image.name, image.file, label, fault))
    return Pairing(pairs, tuple(one.file for one in labels if one.file not in found.owner), rule)


class _Owners:
    """The label file of each image, and the image of each label file."""

    def __init__(self) -> None:
        self.label: dict[Path, Path] = {}
        self.owner: dict[Path, Path] = {}

    def take(self, image: Listed, candidates: Sequence[Listed]) -> None:
        """Note the only candidate, if there is one. Raises DataError if there are several, or if it is taken."""
        if len(candidates) > 1:
            several = " and ".join(str(one.file) for one in candidates[:2])
            raise DataError(f"{image.file}: could belong to {several} (give them the sub-folders of the images)")
        for one in candidates:
            if self.owner.setdefault(one.file, image.file) != image.file:
                several = f"{self.owner[one.file]} and {image.file}"
                raise DataError(f"{one.file}: could belong to {several} (give it the sub-folder of its image)")
            self.label[image.file] = one.file


def _by_rule(images: Sequence[Listed], labels: Sequence[Listed], found: _Owners) -> AffixRule | None:
    """Pair what is left over by the rule that its names follow; None: there is none, or too few follow it."""
    rest = [one for one in images if one.file not in found.label]
    spare = [one for one in labels if one.file not in found.owner]
    rule = find_rule([one.stem for one in rest], [one.stem for one in spare]) if rest and spare else None
    if rule is None:
        return None
    by_core: dict[str, list[Listed]] = {}
    for one in spare:
        if core := rule.mask_core(one.stem):
            by_core.setdefault(core, []).append(one)
    chosen: list[tuple[Listed, list[Listed]]] = []
    for image in rest:
        candidates = by_core.get(rule.core(image.stem) or "", [])
        near = [one for one in candidates if one.group == image.group]
        if candidates:
            chosen.append((image, near or candidates))
    if len(rest) < len(images) and len(chosen) < 2:  # a single one may agree by chance
        return None
    for image, candidates in chosen:
        found.take(image, candidates)
    return rule


def _stripped(stem: str) -> str:
    return next((stem.removesuffix(suffix) for suffix in SUFFIXES if stem.endswith(suffix)), stem)


def missing_masks(pairs: Sequence[FilePair], spare: Sequence[Path], searched: Path) -> str:
    """What there is in place of the masks that pictures lack, and what helps; empty if none lacks one."""
    lacking = [one.image for one in pairs if one.label is None and one.fault]
    if not lacking:
        return ""
    of = (
        f"{len(lacking)} of {count(len(pairs), 'picture')}"
        if len(lacking) < len(pairs)
        else "all " * (len(pairs) > 1) + count(len(pairs), "picture")
    )
    verb = "has" if len(lacking) == 1 else "have"
    there = f"; in {searched} lies no mask besides"
    remedy = "--missing background, void or skip; or add the masks"
    if spare:
        belong = "belong" if len(spare) > 1 else "belongs"
        lie = "lie" if len(spare) > 1 else "lies"
        files = f"{count(len(spare), 'file')} like {spare[0].name}"
        there = f"; in {spare[0].parent} {lie} {files} that {belong} to no picture"
        remedy = f"name the pairs, as by --pair {typed(_proposed(lacking[0], spare[0]))}; or {remedy}"
    return f"{of} {verb} no mask, such as {lacking[0]}{there} ({remedy})"


def _proposed(image: Path, label: Path) -> str:
    """A pattern for `--pair` after the names of a picture and of a mask, the numbers being what they have in common."""
    sides = []
    for file in (image, label):
        numbers = list(re.finditer(r"\d+", file.stem))
        last = numbers[-1] if numbers else None
        stem = file.stem[: last.start()] + "{stem}" + file.stem[last.end() :] if last else "{stem}"
        sides.append(stem + file.suffix)
    return ":".join(sides)
