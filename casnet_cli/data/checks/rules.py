"""What can be wrong with a data set: from what was noted of each sample to findings with the way to mend them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casnet_cli.data.checks import duplicates
from casnet_cli.data.checks.sample_facts import SampleFacts, UnusableSample, kind_and_cause
from casnet_cli.data.images import SIDEWAYS
from casnet_cli.data.splits import SPLITS, folds_of
from casnet_cli.errors import DataError, UnfitKind
from casnet_cli.labels import LabelSet

SEVERITIES = ("error", "warning", "note")
"""What keeps data from being prepared or makes figures wrong; what likely is a mistake; what is good to know."""

UNFIT = {
    UnfitKind.NO_LABEL: ("images without a label", "label them, or leave them out by --split-files"),
    UnfitKind.NO_IMAGE: ("labels without an image", "put the image beside the others, or remove the label"),
    UnfitKind.UNREADABLE: ("files that cannot be read", "fetch or export them again, or take image and label out"),
    UnfitKind.SIZES: ("images whose label has another size", "export the label at the image's size, without blending"),
    UnfitKind.TURNED: (
        "labels turned by a quarter against their image",
        "save the image upright, as its EXIF tag shows it",
    ),
    UnfitKind.VALUE: (
        "masks with a value that is no class",
        "add them to a class or to void in classes.toml, or mend the mask",
    ),
    UnfitKind.MODE: (
        "masks of a kind that does not fit the classes",
        "export them as PNG of ids, or of the classes' colours",
    ),
    UnfitKind.JPEG: ("masks saved as JPEG, which blurs them into values that are no class", "export them again as PNG"),
}
"""Of each kind of unusable samples: what they are, in the plural, and what mends them."""

WITH_DETAIL = (UnfitKind.VALUE, UnfitKind.MODE, UnfitKind.UNREADABLE, UnfitKind.SIZES)
"""Kinds whose finding also names the cause."""

TINY = 0.001
"""Share of the labelled training pixels under which a class is hardly learnt."""

FEW = 5
"""Images with a class under which its figures rest on single pictures."""

SMALL, LONG, FAR = 64, 4.0, 16.0
"""Odd sizes: a side shorter than SMALL, sides of a ratio above LONG, FAR times more or fewer pixels than the median."""


@dataclass(frozen=True)
class Finding:
    """examples: what it is true of, each a sample, or several that belong together. remedy: what mends it, a command
    or a setting where there is one."""

    kind: str
    severity: str
    text: str
    examples: tuple[tuple[SampleFacts | UnusableSample, ...], ...]
    remedy: str

    @property
    def title(self) -> str:
        """The text with the number of examples before it."""
        if not self.examples:
            return self.text
        first, rest = self.text.split(" ", 1)
        if len(self.examples) == 1:
            first = {"classes": "class"}.get(first, first.removesuffix("s"))
        return f"{len(self.examples):,} {first} {rest}"

    @property
    def files(self) -> list[str]:
        """As they are named to the user, those of one example joined."""
        return [" = ".join(one.where for one in group) for group in self.examples]


def check_samples(looked_at: Sequence[SampleFacts | UnusableSample], labels: LabelSet, folds: int | None) -> list[Finding]:
    """All findings, the severe ones first. folds: of a set that is cross-validated, else None."""
    looked_at = sorted(looked_at, key=lambda one: SPLITS.index(one.split))
    seen = [one for one in looked_at if isinstance(one, SampleFacts)]
    found = [
        *_unfit([one for one in looked_at if isinstance(one, UnusableSample)]),
        *_twice(looked_at),
        *_leaks(seen, _sides(seen, folds)),
        *_classes(seen, labels),
        *_forms(seen),
    ]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def missing_samples(looked_at: Sequence[SampleFacts | UnusableSample], counts: tuple[tuple[str, int], ...]) -> list[Finding]:
    """counts: samples of each split that a complete copy has."""
    remedy = "fetch it again, or what is missing"
    found = {split: sum(one.split == split for one in looked_at) for split, _ in counts}
    return [
        Finding("incomplete", "error", f"{found[split]} {split} images of the {expected} it should have", (), remedy)
        for split, expected in counts
        if found[split] != expected
    ]


def unmatched_labels(spare: Sequence[Path]) -> list[Finding]:
    """spare: label files that belong to no image."""
    text, remedy = UNFIT[UnfitKind.NO_IMAGE]
    gone = tuple((UnusableSample("train", file.stem, str(file), DataError(text)),) for file in spare)
    return [Finding(UnfitKind.NO_IMAGE, "warning", text, gone, remedy)] if gone else []


def class_pixels(seen: Sequence[SampleFacts], classes: int) -> dict[str, np.ndarray]:
    """(K + 1,) pixels of each class, void last, for each split that has samples."""
    totals: dict[str, np.ndarray] = {}
    for split in SPLITS:
        counts = [one.counts for one in seen if one.split == split]
        if counts:
            totals[split] = np.stack(counts).sum(axis=0, dtype=np.int64)
    return totals


def _unfit(broken: Sequence[UnusableSample]) -> Iterator[Finding]:
    groups: dict[tuple[UnfitKind, str], list[UnusableSample]] = defaultdict(list)
    for one in broken:
        groups[kind_and_cause(one.fault)].append(one)
    for (kind, what), members in groups.items():
        text, remedy = UNFIT[kind]
        detail = what or str(members[0].fault.faults[0]) if kind in WITH_DETAIL else ""
        yield Finding(kind, "error", f"{text}: {detail}" if detail else text, _each(members), remedy)


def _twice(looked_at: Sequence[SampleFacts | UnusableSample]) -> Iterator[Finding]:
    names: dict[tuple[str, str], list[SampleFacts | UnusableSample]] = defaultdict(list)
    for one in looked_at:
        names[one.split, one.name].append(one)
    members = [one for group in names.values() if len(group) > 1 for one in group]
    if members:
        yield Finding("twice", "error", "names that occur twice in a split", _each(members), "rename one of them")


def _sides(seen: Sequence[SampleFacts], folds: int | None) -> dict[int, str]:
    """The side of a leak that each sample, by `id`, is on: its fold, or its split."""
    fold_of = folds_of([one.name for one in seen if one.split == "train"], folds)
    return {id(one): f"fold {fold_of[one.name]}" if folds and one.name in fold_of else one.split for one in seen}


def _leaks(seen: Sequence[SampleFacts], sides: dict[int, str]) -> Iterator[Finding]:
    for pairs, what, severities in (
        (duplicates.identical_pairs(seen), "pairs of identical images", ("error", "warning")),
        (duplicates.near_identical_pairs(seen), "pairs of nearly identical images", ("warning", "note")),
    ):
        across: dict[str, list[duplicates.DuplicatePair]] = defaultdict(list)
        for pair in pairs:
            ours, theirs = (sides[id(one)] for one in (pair.first, pair.second))
            across["" if ours == theirs else "folds" if "fold" in ours else f"{ours} and {theirs}"].append(pair)
        for where, members in across.items():
            if where:
                text, advice = f"{what} across {where}: figures come out too good", "keep one of each"
                yield Finding("leak", severities[0], text, _pairs(members), advice)
            else:
                advice = "keep one of each, so that validation images cut from train are no copies"
                yield Finding("copies", severities[1], f"{what} within a split", _pairs(members), advice)
    differing = [pair for pair in duplicates.identical_pairs(seen) if pair.first.digests[1] != pair.second.digests[1]]
    if differing:
        text = "pairs of identical images whose labels differ"
        yield Finding("disagreement", "warning", text, _pairs(differing), "look at both, keep the better label")


def _classes(seen: Sequence[SampleFacts], labels: LabelSet) -> Iterator[Finding]:
    empty = [one for one in seen if not one.counts[:-1].any()]
    if empty:
        remedy = "label them, or leave them out: they teach nothing"
        yield Finding("unlabelled", "warning", "images without a labelled pixel", _each(empty), remedy)
    pixels = class_pixels(seen, len(labels))
    if not pixels:
        return
    present = {split: counts[:-1] > 0 for split, counts in pixels.items()}
    anywhere = np.any(list(present.values()), axis=0)

    def named(which: np.ndarray) -> str:
        return ", ".join(labels.names[k] for k in np.flatnonzero(which))

    if not anywhere.all():
        text, remedy = f"classes that no label has: {named(~anywhere)}", "remove them, or add images of them"
        yield Finding("absent", "warning", text, (), remedy)
    train = present.get("train", anywhere & False)
    for split in ("val", "test"):
        if split not in present or "train" not in present:
            continue
        if (unlearnt := present[split] & ~train).any():
            text = f"classes of {split} that train never shows: {named(unlearnt)}"
            shown = _each(_largest(seen, split, unlearnt))
            yield Finding("unlearnt", "error", text, shown, "divide the images anew, or add some to train")
        if (unjudged := train & ~present[split]).any():
            text = f"classes of train missing from {split}: {named(unjudged)}"
            remedy = f"divide the images anew if they matter: no figure of {split} speaks of them"
            yield Finding("unjudged", "warning", text, _each(_largest(seen, "train", unjudged)), remedy)
    yield from _rare(seen, labels, pixels.get("train"))


def _largest(seen: Sequence[SampleFacts], split: str, classes: np.ndarray) -> list[SampleFacts]:
    """Of each class marked, the image of the split with most of it."""
    ours = [one for one in seen if one.split == split]
    return [max(ours, key=lambda one: one.counts[k]) for k in np.flatnonzero(classes)]


def _rare(seen: Sequence[SampleFacts], labels: LabelSet, pixels: np.ndarray | None) -> Iterator[Finding]:
    if pixels is None or not pixels[:-1].any():
        return
    images = np.sum([one.counts[:-1] > 0 for one in seen if one.split == "train"], axis=0)
    share = pixels[:-1] / pixels[:-1].sum()
    rare = (pixels[:-1] > 0) & ((share < TINY) | (images < FEW))
    if rare.any():
        names = (f"{labels.names[k]} ({100 * share[k]:.3f} %, {images[k]} images)" for k in np.flatnonzero(rare))
        text = f"classes of under {100 * TINY:g} % of the training pixels or in under {FEW} images: {', '.join(names)}"
        remedy = 'merge them, add images, or train with --set training.class_weights="auto"'
        yield Finding("tiny", "note", text, _each(_largest(seen, "train", rare)), remedy)


def _forms(seen: Sequence[SampleFacts]) -> Iterator[Finding]:
    turned = [one for one in seen if one.stored.orientation != 1]
    if turned:
        text = "images that viewers turn by their EXIF tag, while the label fits them as they lie"
        yield Finding("exif", "warning", text, _each(turned), "remove the tag, or save image and label upright")
    unsure = [one for one in seen if one.raw.orientation != 1 == one.stored.orientation and not _tells(one)]
    if unsure:
        text = "images with an EXIF tag whose label would fit turned or not: taken as viewers show them"
        yield Finding("exif", "warning", text, _each(unsure), "look at them (--out DIR); else save them upright")
    blurred = [one for one in seen if one.mask and one.mask.format in ("JPEG", "MPO")]
    if blurred:
        text = "masks saved as JPEG: their borders may be blurred into other classes"
        yield Finding(UnfitKind.JPEG, "warning", text, _each(blurred), UNFIT[UnfitKind.JPEG][1])
    for mode in sorted({one.raw.mode for one in seen} - {"RGB"}):
        members = [one for one in seen if one.raw.mode == mode]
        yield Finding("mode", "note", f"images of mode {mode}, not RGB", _each(members), "none: they are converted")
    kinds = {one.mask.mode for one in seen if one.mask}
    if len(kinds) > 1:
        members = [next(one for one in seen if one.mask and one.mask.mode == kind) for kind in sorted(kinds)]
        text = f"masks of {len(kinds)} kinds ({', '.join(sorted(kinds))})"
        yield Finding("mixed", "note", text, _each(members), "make sure that they mean the same: look at --out DIR")
    if odd := _odd_sizes(seen):
        text = f"images of an odd size: a side under {SMALL}, longer than {LONG:g} to 1, or far from the others"
        yield Finding("size", "note", text, _each(odd), "leave them out if they are mistakes")


def _tells(one: SampleFacts) -> bool:
    """Whether the label's size shows how the image is to be turned."""
    return one.raw.orientation in SIDEWAYS and one.raw.size[0] != one.raw.size[1]


def _odd_sizes(seen: Sequence[SampleFacts]) -> list[SampleFacts]:
    if not seen:
        return []
    shorter = [min(one.stored.size) for one in seen]
    small = SMALL if np.median(shorter) >= SMALL else 0  # a set of small images is none of odd ones
    areas = np.array([one.stored.size[0] * one.stored.size[1] for one in seen])
    factor = areas / np.median(areas)
    far = (factor > FAR) | (factor < 1 / FAR)
    return [
        one
        for one, outlier in zip(seen, far, strict=True)
        if outlier or min(one.stored.size) < small or max(one.stored.size) > LONG * min(one.stored.size)
    ]


def _each(members: Sequence[SampleFacts | UnusableSample]) -> tuple[tuple[SampleFacts | UnusableSample, ...], ...]:
    return tuple((one,) for one in members)


def _pairs(pairs: Sequence[duplicates.DuplicatePair]) -> tuple[tuple[SampleFacts | UnusableSample, ...], ...]:
    return tuple((pair.first, pair.second) for pair in pairs)
