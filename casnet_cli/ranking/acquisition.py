"""Orders of images for labelling: by uncertainty, by variety, or by both."""

from collections.abc import Iterator

import numpy as np

BY = ("difficulty", "entropy", "margin", "random", "variety", "mixed")
"""Names of the orders."""


def order(by: str, scores: dict[str, np.ndarray], features: np.ndarray, seed: int = 0) -> Iterator[tuple[int, float]]:
    """Indices of all images, the best to label first, each with the value that it was chosen by, the larger the better.

    by: `difficulty`, `entropy`, `margin`: that score (N,) of each image, descending. `random`: seeded. `variety`:
    greedy k-centre (Gonzalez 1985) on the features (N, C): always the image farthest from all before it, the first
    being the one nearest to the mean. `mixed`: likewise, but the distance times the image's rank by difficulty, 0..1,
    so that a hard image similar to one before it comes later. Distances are Euclidean between features of length 1.
    """
    count = len(features)
    if by == "random":
        yield from ((int(index), 0.0) for index in np.random.default_rng(seed).permutation(count))
    elif by in scores:
        yield from ((int(index), float(scores[by][index])) for index in np.argsort(-scores[by], kind="stable"))
    elif by == "variety":
        distances = np.linalg.norm(features - features.mean(axis=0), axis=1)
        yield from _farthest(np.ones(count), _unit(features), int(distances.argmin()))
    elif by == "mixed":
        weights = ranks(scores["difficulty"])
        yield from _farthest(weights, _unit(features), int(weights.argmax()))
    else:
        raise ValueError(f"{by}: no order (one of {', '.join(BY)})")


def ranks(values: np.ndarray) -> np.ndarray:
    """The ranks of (N,) values: 1/N for the smallest .. 1 for the largest."""
    found = np.empty(len(values))
    found[np.argsort(values, kind="stable")] = np.arange(1, len(values) + 1) / max(1, len(values))
    return found


def _unit(features: np.ndarray) -> np.ndarray:
    features = features - features.mean(axis=0)  # what all images share separates none
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def _farthest(weights: np.ndarray, unit: np.ndarray, first: int) -> Iterator[tuple[int, float]]:
    """Greedily after the first: always the image with the largest weight · distance to all before it."""
    left = np.ones(len(unit), bool)
    nearest = np.full(len(unit), 2.0)
    squares = np.einsum("nc,nc->n", unit, unit)  # 1, except for images without any feature
    chosen = first
    for _ in range(len(unit)):
        yield chosen, float(weights[chosen] * nearest[chosen])
        left[chosen] = False
        apart = squares + squares[chosen] - 2 * (unit @ unit[chosen])
        nearest = np.minimum(nearest, np.sqrt(np.maximum(apart, 0)))
        chosen = int(np.where(left, weights * nearest, -1.0).argmax())


def within(
    indices: Iterator[tuple[int, float]], pixels: np.ndarray, top: int | None, budget: int | None
) -> list[tuple[int, float]]:
    """The first `top` of them, or as many as have at most `budget` pixels together; at least one.

    pixels: (N,) of each image.
    """
    chosen: list[tuple[int, float]] = []
    spent = 0
    for index, value in indices:
        spent += int(pixels[index])
        if chosen and ((top is not None and len(chosen) >= top) or (budget is not None and spent > budget)):
            break
        chosen.append((index, value))
    return chosen
