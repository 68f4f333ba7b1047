"""An image in tiles against the same image as a whole, and one far too large for that, with the memory it takes.

python tests/benchmarks/tiles.py RUN            # share of equal mask pixels, on enlarged images and mosaics of the data
python tests/benchmarks/tiles.py RUN --huge     # casnet predict on a mosaic of 20,000 x 15,000 pixels
"""

import io
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli import backend
from casnet_cli.data.store import Subset
from casnet_cli.evaluation.measurement import evaluation_key
from casnet_cli.runs import trained

WIDE = 1600
HUGE = 20_000, 15_000
Image.MAX_IMAGE_PIXELS = None


def main() -> None:
    found = trained.find_run(Path(sys.argv[1]))
    images = evaluation_key(found, trained.open_run_data(found, None)).images
    if "--huge" in sys.argv:
        huge(Path(sys.argv[1]), images)
        return
    backend.start()
    from casnet_cli.inference import predictor
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.predictor import InferenceSettings

    scale = found.meta.recipe.evaluation.scale
    whole = open_predictor(found)
    tiled = open_predictor(found, settings=InferenceSettings(tile=round(predictor.TILE / scale)))
    predictor.WHOLE_PIXELS = 1 << 60  # type: ignore[misc]
    for name, image in pictures(images):
        expected, mask = whole.predict(image)["mask"], tiled.predict(image)["mask"]
        assert whole.prepare(image).inputs and not tiled.prepare(image).inputs
        print(f"{name} {image.shape[1]}x{image.shape[0]}: {100 * (mask == expected).mean():.2f} % equal", flush=True)


def opened(images: Subset, place: int) -> Image.Image:
    return Image.open(io.BytesIO(images[place % len(images)].image)).convert("RGB")


def pictures(images: Subset) -> Iterator[tuple[str, np.ndarray]]:
    for place in (0, len(images) // 3, 2 * len(images) // 3):
        image = opened(images, place)
        yield "enlarged", np.asarray(image.resize((WIDE, round(WIDE * image.height / image.width)), 3))
    for seed in (1, 2):
        yield "mosaic", np.asarray(mosaic(images, (WIDE, 1440), (320, 240), seed))


def mosaic(images: Subset, size: tuple[int, int], part: tuple[int, int], seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    sheet = Image.new("RGB", size)
    for top in range(0, size[1], part[1]):
        for left in range(0, size[0], part[0]):
            sheet.paste(opened(images, int(rng.integers(1 << 30))).resize(part), (left, top))
    return sheet


def huge(run: Path, images: Subset) -> None:
    with tempfile.TemporaryDirectory(prefix="casnet-huge-") as name:
        file = Path(name) / "huge.jpg"
        mosaic(images, HUGE, (2000, 1500), 0).save(file, quality=85)
        began, peak = time.perf_counter(), 0
        command = [sys.executable, "-m", "casnet_cli", "predict", str(file), "--run", str(run), "--out", f"{name}/out"]
        process = subprocess.Popen(command)
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, *map(int, re.findall(r"VmHWM:\s+(\d+)", status)), 0)
            time.sleep(0.5)
        print(f"exit {process.returncode}, {time.perf_counter() - began:.0f} s, {peak >> 10} MiB at most")


if __name__ == "__main__":
    main()
