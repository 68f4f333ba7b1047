"""The search for images that are there twice."""

import io

import numpy as np
import pytest
from helpers.datasets import LABELS
from helpers.photographs import photo
from PIL import Image

from casnet_cli.data.checks import duplicates
from casnet_cli.data.checks.rules import check_samples
from casnet_cli.data.checks.sample_facts import SampleFacts, facts_of
from casnet_cli.data.sources.base import Entry, Sample


def facts(images: list[np.ndarray], quality: int | None = None) -> list[SampleFacts]:
    found = []
    for index, pixels in enumerate(images):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG" if quality else "PNG", quality=quality or 0)
        sample = Sample(buffer.getvalue(), np.zeros(pixels.shape[:2], np.uint8))
        samples = facts_of(Entry("train", str(index), lambda sample=sample: sample), 1)  # type: ignore[misc]
        assert isinstance(samples, SampleFacts)
        found.append(samples)
    return found


def test_duplicates_are_found_whatever_their_size_and_compression_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", 7)
    originals = [photo(seed) for seed in range(30)]
    small = [np.asarray(Image.fromarray(pixels).resize((61, 47), Image.Resampling.BICUBIC)) for pixels in originals[:9]]
    flat = [np.full((80, 96, 3), value, np.uint8) for value in (100, 101, 103)]
    mixed = [photo(50), photo(50) * 0.7 + photo(51) * 0.3]  # alike, but not the same picture
    dull = [(128 + (pixels - 128.0) / 10).astype(np.uint8) for pixels in mixed]
    samples = facts(originals + flat + dull) + facts(small, quality=50)
    pairs = {(int(pair.first.name), int(pair.second.name)) for pair in duplicates.near_identical_pairs(samples)}
    assert pairs == {(index, index) for index in range(9)}
    assert not duplicates.identical_pairs(samples) and [len(duplicates.identical_pairs(facts(originals[:3] * 2)))] == [
        3
    ]
    # Against every pair one by one, in float64.
    thumbnails = np.stack([sample.thumbnail for sample in samples]).astype(float).reshape(len(samples), -1)
    for first in range(len(samples)):
        for second in range(first + 1, len(samples)):
            difference = np.sqrt(np.mean((thumbnails[first] - thumbnails[second]) ** 2))
            near = difference < min(
                duplicates.NEAR, *(duplicates.OF_CONTRAST * thumbnails[[first, second]].std(axis=1))
            )
            assert near == (second >= 35 and first == second - 35)


def test_no_samples() -> None:
    assert check_samples([], LABELS, {}) == [] and duplicates.near_identical_pairs([]) == []
