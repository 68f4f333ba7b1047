"""What `casnet predict` reaches of the bare network's speed on many photographs of all sizes.

    python tests/benchmarks/mixed_sizes.py RUN
    python tests/benchmarks/mixed_sizes.py --recipe sift-flow --data FILE --repeats 1

The photographs are the data's, scaled to sides drawn between 120 and 360 pixels; decoding, writing all default files
and the manifest count for predict, in turn with the network alone on the decoded images.
"""

import argparse
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from casnet_cli.data.store import Subset
from casnet_cli.workflows.bench.target import find_target
from casnet_cli.workflows.bench.timing import Bench


def write(folder: Path, photos: Subset, count: int) -> None:
    rng = np.random.default_rng(0)
    for index in range(count):
        image = Image.open(io.BytesIO(photos[index % len(photos)].image)).convert("RGB")
        image.resize(tuple(rng.integers(120, 361, 2).tolist())).save(folder / f"{index:04d}.jpg", quality=92)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--recipe")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    target = find_target(options.run, options.recipe, [], options.data)
    bench = Bench(target, (240, 240), ["predict"], options.repeats)
    with TemporaryDirectory() as few, TemporaryDirectory() as many:
        images = target.images("predict")
        assert images is not None, target.obstacle("predict")
        write(Path(few), images, 20)
        bench.end_to_end(Path(few), 1)  # compiled and warm
        write(Path(many), images, options.images)
        ratio = bench.end_to_end(Path(many), options.repeats, warm=0)
    print(f"{target.title}: {options.images} images, {options.repeats} pairs: {ratio:.3f}")


if __name__ == "__main__":
    main()
