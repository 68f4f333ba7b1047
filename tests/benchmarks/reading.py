"""Time to decode ordinary pictures, beside another version of casnet, in turns within one process.

python tests/benchmarks/reading.py OTHER [ROUNDS]     # OTHER: a folder with casnet_cli/ of the version to compare with
"""

import importlib.util
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image, ImageCms
from scipy import ndimage

ROOT = Path(__file__).parents[2]


def pictures() -> dict[str, bytes]:
    """JPEG and PNG of 8 bits, large and small, with as much detail as photographs have, and one with sRGB's profile."""
    found, profile = {}, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for width, height in ((256, 256), (1280, 960)):
        noise = np.random.default_rng(0).normal(size=(height, width, 3))
        smooth = ndimage.gaussian_filter(noise, (3, 3, 0))
        image = Image.fromarray(np.clip(128 + smooth / smooth.std() * 60, 0, 255).astype(np.uint8))
        for name, kind, options in (
            ("JPEG", "JPEG", {"quality": 90}),
            ("JPEG with profile", "JPEG", {"quality": 90, "icc_profile": profile}),
            ("PNG", "PNG", {}),
        ):
            buffer = io.BytesIO()
            image.save(buffer, kind, **options)
            found[f"{name} {width}x{height}"] = buffer.getvalue()
    return found


def imported(folder: Path) -> tuple[ModuleType, Callable[[bytes], np.ndarray]]:
    """`data.images` of the version in a folder, and how it takes a picture; its modules are forgotten again."""
    sys.path.insert(0, str(folder))
    try:
        images = importlib.import_module("casnet_cli.data.images")
        whole = importlib.util.find_spec("casnet_cli.data.pixels") is not None
        if whole:
            from casnet_cli.data.intensities import PLAIN
            from casnet_cli.data.pixels.take import take

            return images, lambda content: take(content, PLAIN, oriented=True)
        return images, lambda content: images.as_array(images.decode_rgb(io.BytesIO(content), oriented=True))
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.startswith("casnet_cli")]:
            del sys.modules[name]


def main() -> None:
    other, rounds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 15
    versions = {"other": imported(other)[1], "this": imported(ROOT)[1]}
    for name, content in pictures().items():
        repeats = max(1, 2_000_000 // len(content))
        seconds: dict[str, list[float]] = {which: [] for which in versions}
        for round_ in range(rounds):
            order = list(versions.items())
            for which, read in order if round_ % 2 else order[::-1]:
                start = time.perf_counter()
                for _ in range(repeats):
                    read(content)
                seconds[which].append((time.perf_counter() - start) / repeats)
        old, new = (float(np.median(seconds[which])) for which in ("other", "this"))
        best = min(seconds["this"]) / min(seconds["other"])
        print(
            f"{name}: {1e3 * old:.2f} ms, {1e3 * new:.2f} ms: {new / old:.3f} times (of the best {best:.3f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
