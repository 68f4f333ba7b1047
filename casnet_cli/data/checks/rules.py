"""The rules of `casnet check`: from the facts of each sample to findings, each with a remedy."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casnet_cli.data.checks import duplicates
from casnet_cli.data.checks.sample_facts import CheckedSample, SampleFacts, UnusableSample, kind_and_cause
from casnet_cli.data.digests import ContentDigest, differences
from casnet_cli.data.images import SIDEWAYS
from casnet_cli.data.sources.base import Entry
from casnet_cli.data.splits import SPLITS
from casnet_cli.errors import DataError, UnfitKind
from casnet_cli.labels import LabelSet
from casnet_cli.util.text import count

SEVERITIES = ("error", "warning", "note")
"""error: the data cannot be prepared, or metrics would be wrong. warning: likely a mistake. note: good to know."""

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
    UnfitKind.PALETTE: (
        "masks whose palette gives an index the colour of another class",
        "give the classes their colours and no ids: the same casnet prepare with --propose writes such a table",
    ),
    UnfitKind.CHANGED: ("samples that are not those that were prepared", "prepare the data again"),
    UnfitKind.JPEG: (
        "masks saved as JPEG, which blurs them into values that are no class",
        "export them again as PNG, or mend them by --nearest-color or --threshold",
    ),
}
"""Of each kind of unusable samples: what they are, in the plural, and what mends them."""

WITH_DETAIL = (UnfitKind.VALUE, UnfitKind.MODE, UnfitKind.UNREADABLE, UnfitKind.SIZES)
"""Kinds whose finding also names the cause."""

TINY = 0.001
"""Share of the labelled training pixels under which a class is hardly learnt."""

RGB = "8-bit RGB"
"""The kind of images that are taken as they are."""

FEW = 5
"""Images that show a class, under which the class's metrics depend on single images."""

SMALL, LONG, FAR = 64, 4.0, 16.0
"""Odd sizes: a side under SMALL pixels, sides of a ratio above LONG, FAR times more or fewer pixels than the median."""


@dataclass(frozen=True)
class Finding:
    """Something about a data set that the user should know."""

    kind: str
    """A word for programs; one kind may occur with several severities."""
    severity: str
    """One of `SEVERITIES`."""
    text: str
    """What was found, in the plural and without a number."""
    examples: tuple[tuple[CheckedSample, ...], ...]
    """All it was found of: a sample each, or several that belong together."""
    remedy: str
    """What mends it: a command or a setting where there is one."""

    @property
    def title(self) -> str:
        """The text with the number of examples in front."""
        if not self.examples:
            return self.text
        first, rest = self.text.split(" ", 1)
        if len(self.examples) == 1:
            first = {"classes": "class"}.get(first, first.removesuffix("s"))
        return f"{len(self.examples):,} {first} {rest}"

    @property
    def files(self) -> list[str]:
        """The files of each example, joined by an equals sign if there are several."""
        return [" = ".join(sample.where for sample in group) for group in self.examples]


def check_samples(samples: Sequence[CheckedSample], labels: LabelSet, fold_of: Mapping[str, int]) -> list[Finding]:
    """All findings, the most severe ones first. fold_of: of each training image that is in a fold."""
    samples = sorted(samples, key=lambda sample: SPLITS.index(sample.split))
    usable = usable_samples(samples)
    found = [
        *_unfit([sample for sample in samples if isinstance(sample, UnusableSample)]),
        *_twice(samples),
        *_leaks(usable, _sides(usable, fold_of)),
        *_classes(usable, labels),
        *_headers(usable),
    ]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def missing_samples(samples: Sequence[CheckedSample], counts: tuple[tuple[str, int], ...]) -> list[Finding]:
    """Splits that have not as many samples as a complete copy. counts: of each split of a complete copy."""
    remedy = "fetch it again, or what is missing"
    found = {split: sum(sample.split == split for sample in samples) for split, _ in counts}
    return [
        Finding("incomplete", "error", f"{found[split]} {split} images of the {expected} it should have", (), remedy)
        for split, expected in counts
        if found[split] != expected
    ]


def changed_parts(samples: Sequence[CheckedSample], content: Mapping[str, str]) -> list[Finding]:
    """Parts of a prepared file, such as `train labels`, that are not those that were prepared, though no sample by
    itself is unusable. content: the digests of the parts; empty: they are not known."""
    whole = {split for split in SPLITS if all(isinstance(one, SampleFacts) for one in samples if one.split == split)}
    digest = ContentDigest()
    for sample in usable_samples(samples):
        digest.add(Entry(sample.split, sample.name, None), *sample.digests)
    remedy = UNFIT[UnfitKind.CHANGED][1]
    return [
        Finding(UnfitKind.CHANGED, "error", f"{part} are not those that were prepared", (), remedy)
        for part in differences(digest.parts(), content)
        if part.split()[0] in whole
    ]


def unmatched_labels(spare: Sequence[Path]) -> list[Finding]:
    """The finding of label files without an image, if there are any."""
    text, remedy = UNFIT[UnfitKind.NO_IMAGE]
    samples = tuple((UnusableSample("train", file.stem, str(file), DataError(text)),) for file in spare)
    return [Finding(UnfitKind.NO_IMAGE, "warning", text, samples, remedy)] if samples else []


def usable_samples(samples: Sequence[CheckedSample]) -> list[SampleFacts]:
    """Those of them that can be used."""
    return [sample for sample in samples if isinstance(sample, SampleFacts)]


def class_pixels(samples: Sequence[SampleFacts], classes: int) -> dict[str, np.ndarray]:
    """(K + 1,) pixels of each class, void last, for each split that has samples."""
    totals: dict[str, np.ndarray] = {}
    for split in SPLITS:
        counts = [sample.counts for sample in samples if sample.split == split]
        if counts:
            totals[split] = np.stack(counts).sum(axis=0, dtype=np.int64)
    return totals


def _unfit(unusable: Sequence[UnusableSample]) -> Iterator[Finding]:
    groups: dict[tuple[UnfitKind, str], list[UnusableSample]] = defaultdict(list)
    for sample in unusable:
        groups[kind_and_cause(sample.fault)].append(sample)
    for (kind, cause), members in groups.items():
        text, remedy = UNFIT[kind]
        detail = cause or str(members[0].fault.faults[0]) if kind in WITH_DETAIL else ""
        yield Finding(kind, "error", f"{text}: {detail}" if detail else text, _each(members), remedy)


def _twice(samples: Sequence[CheckedSample]) -> Iterator[Finding]:
    names: dict[tuple[str, str], list[CheckedSample]] = defaultdict(list)
    for sample in samples:
        names[sample.split, sample.name].append(sample)
    members = [sample for group in names.values() if len(group) > 1 for sample in group]
    if members:
        yield Finding("twice", "error", "names that occur twice in a split", _each(members), "rename one of them")


def _sides(samples: Sequence[SampleFacts], fold_of: Mapping[str, int]) -> dict[int, str]:
    """The part of the data, fold or split, that each sample belongs to, by the sample's `id`."""
    return {
        id(sample): f"fold {fold_of[sample.name]}"
        if sample.split == "train" and sample.name in fold_of
        else sample.split
        for sample in samples
    }


def _leaks(samples: Sequence[SampleFacts], sides: dict[int, str]) -> Iterator[Finding]:
    for pairs, what, severities in (
        (duplicates.identical_pairs(samples), "pairs of identical images", ("error", "warning")),
        (duplicates.near_identical_pairs(samples), "pairs of nearly identical images", ("warning", "note")),
    ):
        across: dict[str, list[duplicates.DuplicatePair]] = defaultdict(list)
        for pair in pairs:
            one, other = (sides[id(sample)] for sample in (pair.first, pair.second))
            across["" if one == other else "folds" if "fold" in one + other else f"{one} and {other}"].append(pair)
        for where, members in across.items():
            if where:
                text, advice = f"{what} across {where}: metrics come out too good", "keep one of each"
                yield Finding("leak", severities[0], text, _pairs(members), advice)
            else:
                advice = "keep one of each, so that validation images cut from train are no copies"
                yield Finding("copies", severities[1], f"{what} within a split", _pairs(members), advice)
    differing = [
        pair for pair in duplicates.identical_pairs(samples) if pair.first.digests[1] != pair.second.digests[1]
    ]
    if differing:
        text = "pairs of identical images whose labels differ"
        yield Finding("disagreement", "warning", text, _pairs(differing), "look at both, keep the better label")


def _classes(samples: Sequence[SampleFacts], labels: LabelSet) -> Iterator[Finding]:
    empty = [sample for sample in samples if not sample.counts[:-1].any()]
    if empty:
        remedy = "label them, or leave them out: they teach nothing"
        yield Finding("unlabelled", "warning", "images without a labelled pixel", _each(empty), remedy)
    pixels = class_pixels(samples, len(labels))
    if not pixels:
        return
    present = {split: counts[:-1] > 0 for split, counts in pixels.items()}
    anywhere = np.any(list(present.values()), axis=0)

    def named(which: np.ndarray) -> str:
        return ", ".join(labels.names[k] for k in np.flatnonzero(which))

    if "train" in present and present["train"].sum() == 1:
        text = f"labelled pixels of train are all {named(present['train'])}: nothing can be learnt of one class"
        remedy = "if what is void, or a part of it, is the ground, make it a class in classes.toml"
        yield Finding("one class", "warning", text, (), remedy)
    if not anywhere.all():
        text, remedy = f"classes that no label has: {named(~anywhere)}", "remove them, or add images of them"
        yield Finding("absent", "warning", text, (), remedy)
    train = present.get("train", anywhere & False)
    for split in ("val", "test"):
        if split not in present or "train" not in present:
            continue
        if (unlearnt := present[split] & ~train).any():
            text = f"classes of {split} that train never shows: {named(unlearnt)}"
            shown = _each(_largest(samples, split, unlearnt))
            yield Finding("unlearnt", "error", text, shown, "divide the images anew, or add some to train")
        if (untested := train & ~present[split]).any():
            text = f"classes of train missing from {split}: {named(untested)}"
            remedy = f"divide the images anew if they matter: no metric of {split} covers them"
            yield Finding("unjudged", "warning", text, _each(_largest(samples, "train", untested)), remedy)
    yield from _rare(samples, labels, pixels.get("train"))


def _largest(samples: Sequence[SampleFacts], split: str, classes: np.ndarray) -> list[SampleFacts]:
    """For each class marked in `classes`, the image of the split that shows most of it."""
    members = [sample for sample in samples if sample.split == split]
    return [max(members, key=lambda sample: sample.counts[k]) for k in np.flatnonzero(classes)]


def _rare(samples: Sequence[SampleFacts], labels: LabelSet, pixels: np.ndarray | None) -> Iterator[Finding]:
    if pixels is None or not pixels[:-1].any():
        return
    images = np.sum([sample.counts[:-1] > 0 for sample in samples if sample.split == "train"], axis=0)
    share = pixels[:-1] / pixels[:-1].sum()
    rare = (pixels[:-1] > 0) & ((share < TINY) | (images < FEW))
    if rare.any():
        places = np.flatnonzero(rare)
        names = (f"{labels.names[k]} ({100 * share[k]:.3f} %, {count(int(images[k]), 'image')})" for k in places)
        text = f"classes of under {100 * TINY:g} % of the training pixels or in under {FEW} images: {', '.join(names)}"
        settings = "--set training.loss=dice --set evaluation.best=mean_iou"
        remedy = f"merge them, add images, or train by the recipe folder, or with {settings}"
        yield Finding("tiny", "note", text, _each(_largest(samples, "train", rare)), remedy)


def _headers(samples: Sequence[SampleFacts]) -> Iterator[Finding]:
    turned = [sample for sample in samples if sample.stored.orientation != 1]
    if turned:
        text = "images that viewers turn by their EXIF tag, while the label fits them as they lie"
        yield Finding("exif", "warning", text, _each(turned), "remove the tag, or save image and label upright")
    unsure = [
        sample for sample in samples if sample.raw.orientation != 1 == sample.stored.orientation and not _swaps(sample)
    ]
    if unsure:
        text = "images with an EXIF tag whose label would fit turned or not: taken as viewers show them"
        yield Finding("exif", "warning", text, _each(unsure), "look at them (--out DIR); else save them upright")
    blurred = [sample for sample in samples if sample.mask and sample.mask.format in ("JPEG", "MPO")]
    if blurred:
        text = "masks saved as JPEG: their borders may be blurred into other classes"
        yield Finding(UnfitKind.JPEG, "warning", text, _each(blurred), UNFIT[UnfitKind.JPEG][1])
    for kind in sorted({sample.raw.kind for sample in samples if sample.rgb} - {RGB}):
        members = [sample for sample in samples if sample.raw.kind == kind]
        yield Finding("mode", "note", f"images of {kind}, not {RGB}", _each(members), "none: they are converted")
    kinds = sorted({sample.mask.kind for sample in samples if sample.mask})
    if len(kinds) > 1:
        members = [next(sample for sample in samples if sample.mask and sample.mask.kind == kind) for kind in kinds]
        text = f"masks of {len(kinds)} kinds ({', '.join(kinds)})"
        yield Finding("mixed", "note", text, _each(members), "make sure that they mean the same: look at --out DIR")
    if odd := _odd_sizes(samples):
        text = f"images of an odd size: a side under {SMALL}, longer than {LONG:g} to 1, or far from the others"
        yield Finding("size", "note", text, _each(odd), "leave them out if they are mistakes")


def _swaps(sample: SampleFacts) -> bool:
    """Whether turning the image changes its width and height, so that the label's size decides."""
    return sample.raw.orientation in SIDEWAYS and sample.raw.size[0] != sample.raw.size[1]


def _odd_sizes(samples: Sequence[SampleFacts]) -> list[SampleFacts]:
    if not samples:
        return []
    shorter = [min(sample.stored.size) for sample in samples]
    small = SMALL if np.median(shorter) >= SMALL else 0  # where most images are small, that is not odd
    areas = np.array([sample.stored.size[0] * sample.stored.size[1] for sample in samples])
    factor = areas / np.median(areas)
    far = (factor > FAR) | (factor < 1 / FAR)
    return [
        sample
        for sample, outlier in zip(samples, far, strict=True)
        if outlier or min(sample.stored.size) < small or max(sample.stored.size) > LONG * min(sample.stored.size)
    ]


def _each(members: Sequence[CheckedSample]) -> tuple[tuple[CheckedSample, ...], ...]:
    return tuple((one,) for one in members)


def _pairs(pairs: Sequence[duplicates.DuplicatePair]) -> tuple[tuple[CheckedSample, ...], ...]:
    return tuple((pair.first, pair.second) for pair in pairs)
