"""The page of `casnet check --out`: findings with their images, histograms, three examples of each class."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

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
from casnet_cli.util.text import percent

EXAMPLES = 3
"""Of each class, and of each finding that is shown with images."""

WITH_IMAGES = ("leak", "copies", "disagreement", "exif", "unlabelled", "unlearnt")
"""Kinds of findings that a look at the images decides."""

LISTED_SIZES = 12
"""Up to so many image sizes have a bar each; more are put into as many bins of their longer side at most."""

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
        shares=_class_bars(zero + pixels, labels, share=True),
        occurrences=_class_bars(zero + images, labels, share=False),
        sizes=_size_bars([sample.stored.size for sample in usable]),
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
        caption = f"{sample.split}/{sample.name}, {percent(share)} %"
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


def _class_bars(values: np.ndarray, labels: LabelSet, share: bool) -> list[BarRow]:
    """A bar for each class, the longest first. share: whether its number is the share of the sum."""
    total, longest = max(1, values.sum()), max(1, values.max(initial=0))

    def words(value: int) -> str:
        if not share:
            return f"{value:,}"
        return "under 0.01 %" if 0 < value / total < 0.00005 else f"{percent(value / total, 2)} %"

    order = np.argsort(-values, kind="stable")
    return [(labels.names[k], labels.palette[k], words(int(values[k])), values[k] / longest) for k in order]


def _size_bars(sizes: Sequence[tuple[int, int]]) -> tuple[str, list[BarRow]]:
    """What the bars are of, and a bar for each image size, or for each bin of their longer sides."""
    counted = Counter(sizes).most_common()
    caption = "Sizes of the images"
    rows = [(f"{width} x {height}", count) for (width, height), count in counted]
    if len(counted) > LISTED_SIZES:
        caption = "Longer sides of the images, in pixels"
        longer = [max(size) for size in sizes]
        edges = np.unique(np.linspace(min(longer), max(longer) + 1, LISTED_SIZES + 1).round().astype(int)).tolist()
        found = zip(pairwise(edges), np.histogram(longer, edges)[0].tolist(), strict=True)
        rows = [(f"{low} to {end - 1}" if end - low > 1 else f"{low}", count) for (low, end), count in found]
    longest = max((count for _, count in rows), default=1)
    return caption, [(name, None, f"{count:,}", count / longest) for name, count in rows]
