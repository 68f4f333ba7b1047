"""The network's head and losses in plain NumPy float64, written from the paper's equations and not from our code.

One image and one feature map at a time, loops where they are plainer. `w` maps a weight's name to its array.
"""

import math

import numpy as np

VOID = 255
BINS = (1, 2, 3, 6)
EPSILON = 1e-5


def convolution(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """x (B, h, w, C), kernel (k, k, C, F), zeros at the border."""
    reach = kernel.shape[0] // 2
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    _, height, width, _ = x.shape
    out = np.zeros((*x.shape[:3], kernel.shape[3]))
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            out += padded[:, i : i + height, j : j + width] @ kernel[i, j]
    return out


def normalized(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Batch normalization by the batch's own mean and biased variance, then ReLU."""
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return np.maximum(0, gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta)


def sampled(line: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Values of (n, …) at positions 0..n−1 in between, linearly."""
    low = np.minimum(np.floor(positions).astype(int), len(line) - 1)
    high = np.minimum(low + 1, len(line) - 1)
    share = (positions - low).reshape(-1, *[1] * (line.ndim - 1))
    return (1 - share) * line[low] + share * line[high]


def resized(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(B, h, w, C) at fractional rows and columns, bilinear."""
    x = np.moveaxis(sampled(np.moveaxis(x, 1, 0), rows), 0, 1)
    return np.moveaxis(sampled(np.moveaxis(x, 2, 0), columns), 0, 2)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def pooled(x: np.ndarray, bins: int) -> np.ndarray:
    """PSPNet's adaptive average pooling: bin b of n cells from ⌊b·n/bins⌋ up to ⌈(b + 1)·n/bins⌉."""
    _, height, width, _ = x.shape
    out = np.zeros((len(x), bins, bins, x.shape[3]))
    for i in range(bins):
        for j in range(bins):
            rows = slice(i * height // bins, math.ceil((i + 1) * height / bins))
            columns = slice(j * width // bins, math.ceil((j + 1) * width / bins))
            out[:, i, j] = x[:, rows, columns].mean((1, 2))
    return out


def pyramid(x: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    """x and its levels: each pooled, 1x1 convolution, batch norm, ReLU, resized to x with aligned corners."""
    _, height, width, _ = x.shape
    joined = [x]
    for bins in BINS:
        level = convolution(pooled(x, bins), w[f"fine_level{bins}_conv/kernel"])
        level = normalized(level, w[f"fine_level{bins}_bn/gamma"], w[f"fine_level{bins}_bn/beta"])
        joined.append(resized(level, np.linspace(0, bins - 1, height), np.linspace(0, bins - 1, width)))
    return np.concatenate(joined, -1)


def branch(x: np.ndarray, w: dict[str, np.ndarray], name: str, size: tuple[int, int], stride: int) -> np.ndarray:
    """Eqs. 2, 4 and 7: 3x3 convolution, batch norm, ReLU, 1x1 convolution, bilinear up-sampling, softmax."""
    x = pyramid(x, w) if name == "fine" else x
    x = normalized(convolution(x, w[f"{name}_conv/kernel"]), w[f"{name}_bn/gamma"], w[f"{name}_bn/beta"])
    logits = convolution(x, w[f"{name}_logits/kernel"]) + w[f"{name}_logits/bias"]
    return softmax(resized(logits, *(np.arange(side) / stride for side in size)))


def forward(
    x: np.ndarray, w: dict[str, np.ndarray], variant: str, size: tuple[int, int], stride: int
) -> dict[str, np.ndarray]:
    """Probabilities of the branches of a variant of section 4.3 and of their fusion, eq. 8."""
    names = {"coarse": ["coarse"], "static": ["coarse", "fine"], "attention": ["coarse", "attention", "fine"]}
    p = {name: branch(x, w, name, size, stride) for name in names.get(variant, [variant])}
    if variant == "attention":
        easy = p["attention"][..., 1:]
        p["fused"] = easy * p["coarse"] + (1 - easy) * p["fine"]
    elif variant == "static":
        p["fused"] = 0.5 * p["coarse"] + 0.5 * p["fine"]
    else:
        p["fused"] = p[variant]
    return p


def easy_of(coarse: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Eq. 5."""
    return (coarse.argmax(-1) == truth).astype(int)


def losses(p: dict[str, np.ndarray], truth: np.ndarray, easy: np.ndarray | None = None) -> dict[str, float]:
    """Eqs. 3, 6 and 9. easy: ŷ of eq. 5 where it is to be kept fixed, as no gradient passes through it."""
    known = truth != VOID
    found = {}
    if "coarse" in p:
        found["coarse"] = _mean_log(p["coarse"], truth, known)
    if "attention" in p:
        found["attention"] = _mean_log(p["attention"], easy_of(p["coarse"], truth) if easy is None else easy, known)
    if "fine" in p:
        found["refine"] = _mean_log(p["fused"], truth, known)
    return found


def _mean_log(p: np.ndarray, label: np.ndarray, known: np.ndarray) -> float:
    return float(-np.mean([math.log(row[y]) for row, y in zip(p[known], label[known], strict=True)]))


def part(kind: str, p: np.ndarray, truth: np.ndarray) -> float:
    """What `training.loss` adds to the cross entropy of p (B, H, W, K): `focal`, `dice` or `lovasz`, by definition."""
    known = truth != VOID
    if kind == "focal":
        picked = [row[y] for row, y in zip(p[known], truth[known], strict=True)]
        return float(-np.mean([(1 - own) ** 2 * math.log(own) for own in picked]))
    loss = {"dice": _dice, "lovasz": _lovasz}[kind]
    total = 0.0
    for probabilities, label, counted in zip(p, truth, known, strict=True):
        classes = np.unique(label[counted])
        found = [loss(probabilities[counted][:, k], label[counted] == k) for k in classes]
        total += counted.sum() * float(np.mean(found)) if found else 0.0
    return total / known.sum()


def _dice(p: np.ndarray, own: np.ndarray) -> float:
    """Milletari et al. 2016, of one class: p (N,), own (N,) bool."""
    return float(1 - 2 * p[own].sum() / (p.sum() + own.sum()))


def _lovasz(p: np.ndarray, own: np.ndarray) -> float:
    """Berman et al. 2018, eq. 8: errors in falling order, each times what it adds to 1 − IoU of the ones before."""
    errors = np.where(own, 1 - p, p)
    wrong, total, before = np.zeros(len(p), bool), 0.0, 0.0
    for pixel in np.argsort(-errors):
        wrong[pixel] = True
        loss = float(wrong.sum() / (own | wrong).sum())
        total += float(errors[pixel]) * (loss - before)
        before = loss
    return total
