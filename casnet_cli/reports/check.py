"""The page of `casnet check --out`: findings with their pictures, histograms, three examples of each class."""

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from casnet_cli.data.checks.rules import Finding, class_pixels
from casnet_cli.data.checks.sample_facts import SampleFacts, UnusableSample
from casnet_cli.data.images import colored, decode_rgb
from casnet_cli.data.sources.base import Entry
from casnet_cli.labels import LabelSet
from casnet_cli.reports.html import Picture, picture, render

EXAMPLES = 3
LOOKED_AT = ("leak", "copies", "disagreement", "exif", "unlabelled", "unlearnt")
"""Findings that a look at pictures decides."""
SIZES = 12

Samples = Sequence[SampleFacts | UnusableSample]


def page(title: str, summary: str, entries: Sequence[Entry], looked_at: Samples, findings: Sequence[Finding],
         labels: LabelSet) -> str:  # fmt: skip
    """The text of the page. entries and looked_at: in one order."""
    seen = [one for one in looked_at if isinstance(one, SampleFacts)]
    entry_of = {id(one): entry for one, entry in zip(looked_at, entries, strict=True)}
    pixels = np.sum([total[:-1] for total in class_pixels(seen, len(labels)).values()], axis=0, dtype=np.int64)
    images = np.sum([one.counts[:-1] > 0 for one in seen], axis=0, dtype=np.int64)
    zero = np.zeros(len(labels), np.int64)
    return render(
        "check.html",
        title=title,
        summary=summary,
        findings=[_described(finding, entry_of, labels) for finding in findings],
        shares=_class_bars(zero + pixels, labels, percent=True),
        occurrences=_class_bars(zero + images, labels, percent=False),
        sizes=_size_bars(seen),
        examples=[
            (name, color, _examples(seen, entry_of, k, color))
            for k, (name, color) in enumerate(zip(labels.names, labels.palette, strict=True))
        ],
    )


def _described(finding: Finding, entry_of: dict[int, Entry], labels: LabelSet) -> dict[str, Any]:
    groups = finding.examples[:EXAMPLES] if finding.kind in LOOKED_AT else ()
    return {
        "severity": finding.severity,
        "title": finding.title,
        "files": finding.files,
        "remedy": finding.remedy,
        "groups": [
            [_beside_label(one, entry_of[id(one)], labels) for one in group if isinstance(one, SampleFacts)]
            for group in groups
        ],
    }


def _opened(entry: Entry) -> tuple[np.ndarray, np.ndarray]:
    sample = entry.load()
    return np.asarray(decode_rgb(io.BytesIO(sample.image))), sample.label


def _beside_label(one: SampleFacts, entry: Entry, labels: LabelSet) -> Picture:
    """The image and its label in colours side by side."""
    image, label = _opened(entry)
    return picture(np.concatenate([image, colored(label, labels)], axis=1), f"{one.split}/{one.name}", 480)


def _examples(
    seen: Sequence[SampleFacts], entry_of: dict[int, Entry], k: int, color: tuple[int, int, int]
) -> list[Picture]:
    largest = sorted((one for one in seen if one.counts[k]), key=lambda one: -one.counts[k])[:EXAMPLES]
    found = []
    for one in largest:
        image, label = _opened(entry_of[id(one)])
        share = one.counts[k] / one.counts.sum()
        caption = f"{one.split}/{one.name}, {100 * share:.1f} %"
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


def _class_bars(values: np.ndarray, labels: LabelSet, percent: bool) -> list[tuple[str, Any, str, float]]:
    """Name, colour, figure and length of a bar each, the longest first."""
    total, longest = max(1, values.sum()), max(1, values.max(initial=0))
    return [
        (labels.names[k], labels.palette[k], f"{100 * values[k] / total:.2f} %" if percent else f"{values[k]:,}",
         values[k] / longest)
        for k in np.argsort(-values, kind="stable")
    ]  # fmt: skip


def _size_bars(seen: Sequence[SampleFacts]) -> list[tuple[str, None, str, float]]:
    counted = Counter(one.stored.size for one in seen).most_common()
    rows = [(f"{width} x {height}", count) for (width, height), count in counted[:SIZES]]
    if len(counted) > SIZES:
        rows.append((f"{len(counted) - SIZES} other sizes", sum(count for _, count in counted[SIZES:])))
    longest = max((count for _, count in rows), default=1)
    return [(name, None, f"{count:,}", count / longest) for name, count in rows]
