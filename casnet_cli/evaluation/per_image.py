"""Pixel counts of each image, from which intervals and paired differences follow without a second prediction."""

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from casnet_cli.errors import RunError, reason
from casnet_cli.evaluation.confusion import METRIC_NAMES, Counts
from casnet_cli.util.files import BROKEN_NPZ, write_whole

FILE = "per_image.npz"
"""Name of the file in the folder of an evaluation."""

REPLICATES = 1000
"""Draws of the bootstrap."""

LEVEL = (2.5, 97.5)
"""Percentiles of a 95 % interval."""

PARTS = ("correct", "truth", "claimed")
"""Attributes of `Counts`."""


@dataclass(frozen=True)
class PerImageCounts:
    """Counts of N images."""

    names: tuple[str, ...]
    """Names of the images."""
    counts: dict[str, Counts]
    """By branch, those there are; (N, K) int64 each."""

    def save(self, path: Path) -> None:
        """As .npz: `names`, and `<branch>/<part>`. Raises OSError."""
        arrays = {f"{name}/{part}": getattr(own, part) for name, own in self.counts.items() for part in PARTS}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, names=np.asarray(self.names, np.str_), **arrays)
        write_whole(path, buffer.getvalue())


def load(path: Path) -> PerImageCounts:
    """What `PerImageCounts.save` wrote. Raises RunError if the file is missing or damaged."""
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            branches = dict.fromkeys(key.partition("/")[0] for key in file.files if "/" in key)
            counts = {name: Counts(*(file[f"{name}/{part}"] for part in PARTS)) for name in branches}
            names = tuple(map(str, file["names"]))
            classes = counts["fused"].truth.shape[1]
        for own in counts.values():
            for part in PARTS:
                array = getattr(own, part)
                if array.dtype.kind != "i" or array.shape != (len(names), classes):
                    raise ValueError(f"{part} is {array.dtype} of shape {array.shape}")
    except BROKEN_NPZ as error:
        raise RunError(f"{path}: not readable: {reason(error)} (evaluate again by `casnet eval`)") from None
    return PerImageCounts(names, counts)


def resampled(parts: Sequence[PerImageCounts], branch: str = "fused", seed: int = 0) -> dict[str, np.ndarray]:
    """Bootstrap over images: each metric on `REPLICATES` draws, averaged over the parts, (R,) each.

    parts: the test images of a run, or of each fold or seed. Images are drawn with replacement within each part. Parts
    with the same images get the same draws, and so do two models on the same images: their differences are paired. A
    class that a draw lacks is left out of its means.
    """
    sums = dict.fromkeys(METRIC_NAMES, np.zeros(REPLICATES))
    for part in parts:
        own = part.counts[branch]
        found = _drawn(own, _generator(part.names, seed)).metrics()
        sums = {key: total + getattr(found, key) for key, total in sums.items()}
    return {key: total / len(parts) for key, total in sums.items()}


def _generator(names: tuple[str, ...], seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32("\n".join(names).encode())])


def _drawn(counts: Counts, rng: np.random.Generator) -> Counts:
    """(R, K) counts: the sums over N images drawn with replacement, R times."""
    stacked = np.concatenate([getattr(counts, part) for part in PARTS], -1).astype(np.float64)
    images = len(stacked)
    sums = np.empty((REPLICATES, stacked.shape[1]))
    for index in range(REPLICATES if images else 0):  # one at a time: memory stays that of the images
        sums[index] = np.bincount(rng.integers(0, images, images), minlength=images) @ stacked
    return Counts(*np.split(sums if images else np.zeros_like(sums), len(PARTS), axis=-1))


def interval(values: np.ndarray) -> list[float] | None:
    """[low, high] of 95 %; None where some draw has no value."""
    return None if np.isnan(values).any() else [float(bound) for bound in np.percentile(values, LEVEL)]


def means(parts: Sequence[PerImageCounts], branch: str = "fused") -> dict[str, float | None]:
    """The metrics of each part's pixels together, averaged over the parts; None where one has no labelled pixel."""
    found = [Counts(*(getattr(part.counts[branch], key).sum(0) for key in PARTS)).metrics() for part in parts]
    return {key: _number(np.mean([getattr(own, key) for own in found])) for key in METRIC_NAMES}


class Difference(TypedDict):
    """The difference of one metric."""

    value: float | None
    """A fraction; None where one side has no labelled pixel."""
    ci95: list[float] | None
    """Ends of its 95 % interval."""


def difference(
    ours: Sequence[PerImageCounts], theirs: Sequence[PerImageCounts], branch: str = "fused", other: str = "fused"
) -> dict[str, Difference]:
    """ours − theirs of each metric, paired by image. Raises RunError if the images differ.

    branch, other: the outputs of `ours` and of `theirs`.
    """
    if [part.names for part in ours] != [part.names for part in theirs]:
        raise RunError("not measured on the same images (evaluate both on the same split of the same data)")
    first, second = means(ours, branch), means(theirs, other)
    drawn, against = resampled(ours, branch), resampled(theirs, other)
    found: dict[str, Difference] = {}
    for key in METRIC_NAMES:
        own, reference = first[key], second[key]
        value = None if own is None or reference is None else own - reference
        found[key] = {"value": value, "ci95": interval(drawn[key] - against[key])}
    return found


def _number(value: np.floating) -> float | None:
    return None if np.isnan(value) else float(value)
