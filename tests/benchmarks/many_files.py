"""Time and memory of `casnet prepare folder` and `casnet check` on many small files, each in a process of its own.

python tests/benchmarks/many_files.py [NUMBER]       # default 50,000, in a temporary folder
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

TABLE = '[[class]]\nname = "a"\nids = [0]\n[[class]]\nname = "b"\nids = [1]\n'


def make(folder: Path, number: int) -> None:
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir()
    for index in range(number):
        pixels = rng.integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((64, 48)).save(folder / f"images/{index:06d}.jpg")
        Image.fromarray(pixels[..., 0] // 128).resize((64, 48), 0).save(folder / f"masks/{index:06d}.png")
    (folder / "classes.toml").write_text(TABLE)


def measured(folder: Path, *words: str) -> None:
    start = time.monotonic()
    code = subprocess.run([sys.executable, "-m", "casnet_cli", "--quiet", *words], cwd=folder).returncode
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{' '.join(words[:2])}: exit {code}, {seconds:.1f} s, peak so far {peak:.2f} GiB", flush=True)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
        folder = Path(place)
        make(folder, number)
        own = ("folder", "--images", "images", "--masks", "masks", "--classes", "classes.toml")
        measured(folder, "prepare", *own)
        measured(folder, "prepare", *own)
        measured(folder, "check", "data/images.h5")


if __name__ == "__main__":
    main()
