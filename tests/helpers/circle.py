"""Predict, correct in a labelling tool, prepare again, train on: what the tools' tests have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store
from helpers.cli import casnet, stderr_of, tiny_settings
from helpers.datasets import LABELS, blocks
from helpers.eager import functions_eager

OLD, NEW, RUN = "data/scenes.h5", "data/scenes-2.h5", "runs/scenes-001"
RECTANGLE = slice(5, 15), slice(5, 20)
"""Rows and columns that a correction makes `BLUE`."""

BLUE = 2
"""Class id of blue."""


@contextmanager
def begun(home: Path) -> Iterator[Path]:
    """The current folder: scenes/ with masks, prepared and learnt, and photos/ of which nothing is known."""
    for seed in range(16):
        split = "val" if seed % 5 == 4 else "train"
        for kind in ("images", "masks"):
            (home / "scenes" / split / kind).mkdir(parents=True, exist_ok=True)
        sample = blocks(seed, 48 if seed % 2 else 57)
        (home / f"scenes/{split}/images/{seed:02d}.png").write_bytes(sample.image)
        Image.fromarray(sample.label).save(home / f"scenes/{split}/masks/{seed:02d}.png")
    classes = (f'[[class]]\nname = "{name}"\nids = [{number}]\n' for number, name in enumerate(LABELS.names))
    (home / "scenes/classes.toml").write_text("void = {ids = [255]}\n" + "".join(classes))
    (home / "photos/sub folder").mkdir(parents=True)
    for seed in range(5):
        (home / f"photos/sub folder/new ä {seed}.png").write_bytes(blocks(100 + seed, 53).image)
    with pytest.MonkeyPatch.context() as patch, functions_eager(False):
        patch.chdir(home)
        casnet("prepare", "scenes")
        casnet("train", "--data", OLD, *tiny_settings("training.epochs=6"))
        yield home


def mask(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.array(image)


def corrected(predicted: np.ndarray) -> np.ndarray:
    """The mask as the corrections below leave it."""
    found = predicted.copy()
    found[RECTANGLE] = BLUE
    return found


def label(file: str, split: str, name: str) -> np.ndarray:
    store = Store(Path(file))
    row = store.names[split].index(name)
    return np.asarray(decode_label(store.file[split]["label"][row].tobytes()))


def goes_on(new: str) -> None:
    """A run begins with the weights of the old one, which is evaluated and audited on images that it never saw."""
    words = ("--data", new, "--init", RUN, *tiny_settings("training.epochs=1"))
    assert "classes kept: all 3" in stderr_of("train", *words)
    shown = stderr_of("eval", "--run", RUN, "--data", new, "--worst", 0)
    assert "on 3 val images" in shown and "none of these was trained on" in shown
    shown = stderr_of("audit", "--run", RUN, "--data", new, "--out", "audit")
    assert "3 images that it never trained on" in shown
