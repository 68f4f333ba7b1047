"""Demo: 108 synthetic scenes with the classes of Stanford Background, drawn by the program, nothing to download."""

import io
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data.scenes.scenes import draw_scene
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.sources.stanford_background import LABELS

COUNTS = (("train", 72), ("val", 12), ("test", 24))

FIRST_UNLABELLED_SEED = 10_000
"""Far above the seeds of the labelled scenes, so that predictions are of other scenes."""


def _jpeg(image: np.ndarray) -> bytes:
    """The image (H, W, 3) uint8 as JPEG with colour at full resolution, so that thin things keep theirs."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()


def _load(seed: int) -> Sample:
    image, label = draw_scene(seed)
    return Sample(_jpeg(image), label)


def entries(root: Path) -> list[Entry]:
    """All scenes of train, val and test; the n-th is drawn from seed n. There is no folder: root is not read."""
    splits = [split for split, count in COUNTS for _ in range(count)]
    return [Entry(split, f"scene-{seed:03d}", partial(_load, seed)) for seed, split in enumerate(splits)]


def write_unlabelled(folder: Path, count: int = 8) -> None:
    """Save `count` other scenes as folder/photo-NN.jpg to predict on; the folder is made if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        image, _ = draw_scene(FIRST_UNLABELLED_SEED + index)
        (folder / f"photo-{index:02d}.jpg").write_bytes(_jpeg(image))


SOURCE = Source(name="demo", labels=LABELS, entries=entries, folder="", counts=COUNTS)
