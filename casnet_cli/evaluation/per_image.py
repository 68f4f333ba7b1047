"""Pixel counts of each image, kept so that intervals and paired differences need no second look at the images."""

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli.errors import RunError, reason
from casnet_cli.evaluation.confusion import METRIC_NAMES, Counts
from casnet_cli.util.files import BROKEN_NPZ, write_whole

FILE = "per_image.npz"
REPLICATES = 1000
LEVEL = (2.5, 97.5)
"""Percentiles of a 95 % interval."""

PARTS = ("correct", "truth", "claimed")


@dataclass(frozen=True)
class PerImageCounts:
    """names: of the images. counts: of each branch there is, (N, K) int64 a part."""

    names: tuple[str, ...]
    counts: dict[str, Counts]

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
    """Bootstrap over images: each figure on `REPLICATES` draws, averaged over the parts, (R,) each.

    parts: the test images of a run, or of each fold or seed. Images are drawn with replacement within each part; parts
    of the same images are drawn alike, and so are two models on the same images, which makes their differences paired.
    A class that a draw lacks is left out of its means.
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
    """[low, high] of 95 %; None where some draw has no figure."""
    return None if np.isnan(values).any() else [float(bound) for bound in np.percentile(values, LEVEL)]


def means(parts: Sequence[PerImageCounts], branch: str = "fused") -> dict[str, float | None]:
    """The figures of each part's pixels together, averaged over the parts; None where one has no labelled pixel."""
    found = [Counts(*(getattr(part.counts[branch], key).sum(0) for key in PARTS)).metrics() for part in parts]
    return {key: _number(np.mean([getattr(own, key) for own in found])) for key in METRIC_NAMES}


def difference(
    ours: Sequence[PerImageCounts], theirs: Sequence[PerImageCounts], branch: str = "fused", other: str = "fused"
) -> dict[str, dict[str, Any]]:
    """ours − theirs of each figure, `value` and `ci95`: paired, so only images that both judged will do.

    Raises RunError if the images differ.
    """
    if [part.names for part in ours] != [part.names for part in theirs]:
        raise RunError("not measured on the same images (evaluate both on the same split of the same data)")
    first, second = means(ours, branch), means(theirs, other)
    drawn, against = resampled(ours, branch), resampled(theirs, other)
    found = {}
    for key in METRIC_NAMES:
        own, reference = first[key], second[key]
        known = own is not None and reference is not None
        found[key] = {"value": own - reference if known else None, "ci95": interval(drawn[key] - against[key])}  # type: ignore[operator]
    return found


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
