"""Does a recipe learn a class of 0.8 % of the pixels? Pictures with a lesion are drawn, trained on, and measured.

    python tests/experiments/rare_class.py --folder rare [--recipe folder] [--seeds 0,1,2] [--set section.key=value]

80 pictures of 192x192: a ground of smooth and fine noise, and on it one or two blobs of irregular outline, 1.5
standard deviations of the ground brighter. 20 of them are held out as `test`, and the recipe keeps some of the other 60
for validation. The best threshold on the brightness alone, chosen with the truth at hand, is measured beside it: colour
does not tell the lesion. Writes `rare.json`: IoU of the lesion, wall and processor seconds of each training, and the
median over the seeds. A second call goes on where the first was stopped.
"""

import argparse
import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage
from series import casnet  # type: ignore[import-not-found]

PICTURES, HELD_OUT, SIDE = 80, 20, 192
SHARE, CONTRAST = 0.008, 1.5
CLASSES = """[[class]]
name = "ground"
color = [90, 90, 90]
ids = [0]

[[class]]
name = "lesion"
color = [220, 60, 60]
ids = [1]
"""


def noise(rng: np.random.Generator, sigma: float) -> np.ndarray:
    """(SIDE, SIDE) smooth noise of mean 0 and variance 1."""
    values = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), sigma, mode="wrap")
    return (values - values.mean()) / values.std()


def blob(rng: np.random.Generator, pixels: int) -> np.ndarray:
    """(SIDE, SIDE) bool: so many pixels around a random place, of an irregular outline."""
    reach = 1.5 * np.sqrt(pixels / np.pi)
    place = rng.uniform(reach, SIDE - reach, 2)
    down, across = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(down - place[0], across - place[1]) / np.sqrt(pixels / np.pi)
    height = distance + 0.35 * noise(rng, 4.0)
    return height < np.partition(height.ravel(), pixels)[pixels]


def picture(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Image (SIDE, SIDE, 3) uint8 and mask (SIDE, SIDE) uint8, 1 where the lesion is."""
    rng = np.random.default_rng([25, seed])
    ground = 0.9 * noise(rng, 12.0) + 0.4 * noise(rng, 0.7)
    blobs = int(rng.integers(1, 3))
    whole = SHARE * SIDE**2 * rng.uniform(0.6, 1.4)
    mask = np.any([blob(rng, round(whole / blobs)) for _ in range(blobs)], axis=0)
    soft = ndimage.gaussian_filter(mask.astype(float), 0.7)
    shade = ground / ground.std() + CONTRAST * soft
    tint = 6 * np.stack([noise(rng, 20.0) for _ in range(3)], -1)
    return np.clip(120 + 28 * shade[..., None] + tint, 0, 255).astype(np.uint8), mask.astype(np.uint8)


def draw(folder: Path) -> None:
    """The data set as a user would have it: images/SPLIT, masks/SPLIT, classes.toml."""
    for seed in range(PICTURES):
        split = "test" if seed >= PICTURES - HELD_OUT else "train"
        for kind, pixels in zip(("images", "masks"), picture(seed), strict=True):
            file = folder / kind / split / f"{seed:02d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)
    (folder / "classes.toml").write_text(CLASSES)


def threshold_iou() -> float:
    """IoU in the held-out pictures of the best threshold on the brightness of a pixel."""
    pairs = [picture(seed) for seed in range(PICTURES - HELD_OUT, PICTURES)]
    grey = np.concatenate([image.mean(-1).ravel() for image, _ in pairs])
    truth = np.concatenate([mask.ravel() for _, mask in pairs]).astype(bool)
    scores = [(truth & (grey > level)).sum() / (truth | (grey > level)).sum() for level in range(100, 255)]
    return float(max(scores))


def trained(folder: Path, recipe: str, seed: int, overrides: list[str]) -> dict[str, float]:
    """Train and measure one seed: IoU of the lesion, and the seconds of the training."""
    run = folder / f"seed-{seed}"
    settings = [word for text in (f"training.seed={seed}", *overrides) for word in ("--set", text)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    casnet("train", recipe, "--data", folder / "rare.h5", "--run", run, *settings)
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    casnet("eval", "--run", run, "--data", folder / "rare.h5", "--split", "test", "--worst", 0)
    metrics = json.loads((run / "eval/test/metrics.json").read_text())
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    (lesion,) = (row["iou"] for row in metrics["per_class"] if row["name"] == "lesion")
    found = {"iou": lesion, "pixel_accuracy": metrics["pixel_accuracy"], "wall_seconds": round(seconds, 1)}
    return found | {"processor_seconds": round(processor, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--recipe", default="folder")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    options = parser.parse_args()
    folder: Path = options.folder
    if not (folder / "rare.h5").is_file():
        draw(folder)
        sources = "--images", folder / "images", "--masks", folder / "masks", "--classes", folder / "classes.toml"
        casnet("prepare", "folder", *sources, "--name", "rare", "--out", folder / "rare.h5")
    report = folder / "rare.json"
    found: dict[str, Any] = {"threshold_iou": threshold_iou(), "seeds": {}}
    if report.is_file():
        found = json.loads(report.read_text())
    for seed in options.seeds.split(","):
        if seed not in found["seeds"]:
            found["seeds"][seed] = trained(folder, options.recipe, int(seed), options.overrides)
        found["median_iou"] = statistics.median(one["iou"] for one in found["seeds"].values())
        report.write_text(json.dumps(found, indent=2) + "\n")
    print(report.read_text())


if __name__ == "__main__":
    main()
