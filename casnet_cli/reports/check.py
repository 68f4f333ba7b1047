"""The page of `casnet check --out`: findings with their images, histograms, three examples of each class."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PIL import Image
from scipy import ndimage

from casnet_cli.data.checks.rules import Finding, class_pixels, usable_samples
from casnet_cli.data.checks.sample_facts import CheckedSample, SampleFacts
from casnet_cli.data.images import colored
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels.stored import decode_pixels
from casnet_cli.data.pixels.take import shown
from casnet_cli.data.sources.base import Entry
from casnet_cli.labels import LabelSet
from casnet_cli.reports.html import Picture, picture, render

EXAMPLES = 3
"""Of each class, and of each finding that is shown with images."""

WITH_IMAGES = ("leak", "copies", "disagreement", "exif", "unlabelled", "unlearnt")
"""Kinds of findings that a look at the images decides."""

LISTED_SIZES = 12
"""Image sizes that have a bar of their own, the most frequent ones."""

BarRow = tuple[str, tuple[int, int, int] | None, str, float]
"""Name, colour if it has one, number in words, and length in 0..1."""

Loader = Callable[[], tuple[np.ndarray, np.ndarray]]
"""Gives an image as it is shown, and its label."""

Loaders = dict[int, Loader]
"""Of each sample, by its `id`."""


def page(title: str, summary: str, entries: Sequence[Entry], samples: Sequence[CheckedSample],
         findings: Sequence[Finding], labels: LabelSet, intensities: Intensities = PLAIN) -> str:  # fmt: skip
    """The text of the page. entries and samples: in the same order. intensities: of the images."""
    usable = usable_samples(samples)
    pairs = zip(samples, entries, strict=True)
    load_of: Loaders = {id(sample): partial(_loaded, entry, intensities) for sample, entry in pairs}
    pixels = np.sum([total[:-1] for total in class_pixels(usable, len(labels)).values()], axis=0, dtype=np.int64)
    images = np.sum([sample.counts[:-1] > 0 for sample in usable], axis=0, dtype=np.int64)
    zero = np.zeros(len(labels), np.int64)
    return render(
        "check.html",
        title=title,
        summary=summary,
        findings=[_described(finding, load_of, labels) for finding in findings],
        shares=_class_bars(zero + pixels, labels, percent=True),
        occurrences=_class_bars(zero + images, labels, percent=False),
        sizes=_size_bars(usable),
        examples=[
            (name, color, _examples(usable, load_of, k, color))
            for k, (name, color) in enumerate(zip(labels.names, labels.palette, strict=True))
        ],
    )


def _described(finding: Finding, load_of: Loaders, labels: LabelSet) -> dict[str, object]:
    groups = finding.examples[:EXAMPLES] if finding.kind in WITH_IMAGES else ()
    return {
        "severity": finding.severity,
        "title": finding.title,
        "files": finding.files,
        "remedy": finding.remedy,
        "groups": [
            [_beside_label(sample, load_of[id(sample)], labels) for sample in usable_samples(group)] for group in groups
        ],
    }


def _loaded(entry: Entry, intensities: Intensities) -> tuple[np.ndarray, np.ndarray]:
    """The image as the network sees it, (H, W, 3) uint8, and its label."""
    sample = entry.load()
    return shown(decode_pixels(sample.image, intensities), intensities), sample.label


def _beside_label(sample: SampleFacts, load: Loader, labels: LabelSet) -> Picture:
    """The image and its label in colours side by side."""
    image, label = load()
    return picture(np.concatenate([image, colored(label, labels)], axis=1), f"{sample.split}/{sample.name}", 480)


def _examples(samples: Sequence[SampleFacts], load_of: Loaders, k: int, color: tuple[int, int, int]) -> list[Picture]:
    """The images that show most of class k, the class in its colour."""
    showing = (sample for sample in samples if sample.counts[k])
    found = []
    for sample in sorted(showing, key=lambda sample: -sample.counts[k])[:EXAMPLES]:
        image, label = load_of[id(sample)]()
        share = sample.counts[k] / sample.counts.sum()
        caption = f"{sample.split}/{sample.name}, {100 * share:.1f} %"
        found.append(picture(drawn_over(image, label == k, color), caption, 240))
    return found


def drawn_over(image: np.ndarray, inside: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """(H, W, 3) uint8: pixels inside tinted with a border of the full colour, the others grey and pale."""
    grey = np.asarray(Image.fromarray(image).convert("L").convert("RGB"))
    pale = grey // 2 + 112
    tinted = (image.astype(np.uint16) + np.asarray(color, np.uint16)) // 2
    drawn = np.where(inside[..., None], tinted, pale).astype(np.uint8)
    width = max(1, round(max(inside.shape) / 240))
    drawn[inside & ~ndimage.binary_erosion(inside, iterations=width, border_value=1)] = color
    return drawn


def _class_bars(values: np.ndarray, labels: LabelSet, percent: bool) -> list[BarRow]:
    """A bar for each class, the longest first."""
    total, longest = max(1, values.sum()), max(1, values.max(initial=0))
    return [
        (labels.names[k], labels.palette[k], f"{100 * values[k] / total:.2f} %" if percent else f"{values[k]:,}",
         values[k] / longest)
        for k in np.argsort(-values, kind="stable")
    ]  # fmt: skip


def _size_bars(samples: Sequence[SampleFacts]) -> list[BarRow]:
    """A bar for each of the most frequent image sizes, and one for all others."""
    counted = Counter(sample.stored.size for sample in samples).most_common()
    rows = [(f"{width} x {height}", count) for (width, height), count in counted[:LISTED_SIZES]]
    if len(counted) > LISTED_SIZES:
        rows.append((f"{len(counted) - LISTED_SIZES} other sizes", sum(count for _, count in counted[LISTED_SIZES:])))
    longest = max((count for _, count in rows), default=1)
    return [(name, None, f"{count:,}", count / longest) for name, count in rows]
