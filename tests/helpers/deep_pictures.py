"""Folders of somebody's own pictures of any type and number of bands, with masks, prepared by the command."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from casnet_cli.data.loader import whole_images
from casnet_cli.data.store import Store, Subset
from helpers.cli import stderr_of
from helpers.photographs import TABLE, mask

WORDS = ("folder", "--images", "images", "--masks", "masks", "--classes", "classes.toml")
SHAPE = (20, 30)


def folders(home: Path) -> Path:
    """classes.toml, masks/ of three, and images/ without any yet."""
    (home / "classes.toml").write_text(TABLE)
    (home / "images").mkdir()
    for name in "abc":
        mask(home / f"masks/{name}.png", SHAPE[1], SHAPE[0])
    return home


def pictures(home: Path, dtype: str, bands: int, low: float = 0, high: float = 3000, **more: Any) -> np.ndarray:
    """Three TIFFs in images/. Returns their values, (3, H, W, bands)."""
    drawn = np.random.default_rng(bands).uniform(low, high, (3, *SHAPE, bands)).astype(dtype)
    for name, values in zip("abc", drawn, strict=True):
        settings: dict[str, Any] = {"photometric": "rgb" if bands in (3, 4) else "minisblack", **more}
        if bands > 1:
            settings["planarconfig"] = "contig"
        values = values if bands > 1 else values[..., 0]
        tifffile.imwrite(home / f"images/{name}.tif", values, **settings)
    return drawn


def prepare(*more: str, code: int = 0) -> str:
    """Returns what is said."""
    return stderr_of("prepare", *WORDS, "--name", "mine", *more, code=code)


def stored() -> tuple[Store, np.ndarray]:
    store = Store(Path("data/mine.h5"))
    every = tuple(range(len(store.names["train"])))
    return store, np.stack([whole.image for whole in whole_images(Subset(store, "train", every))])


def seen_by_hand(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1) * 255


def percentiles(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = values.reshape(-1, values.shape[-1])
    low, high = np.percentile(flat, (0.5, 99.5), axis=0, method="inverted_cdf")
    return low, high
