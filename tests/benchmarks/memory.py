"""The memory of training does not grow with the data set, nor with the steps.

    python memory.py                                  (made images, 200 and 2,000 of them)
    python memory.py --data data/stanford-background.h5 --times 10

Trains the same number of steps on a prepared data set and on one that repeats its images ten times, each in a process
of its own, and prints the resident memory at some steps and its peak.
"""

import argparse
import json
import subprocess
import sys
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from helpers.datasets import LABELS, blocks  # type: ignore[import-not-found]

from casnet_cli import backend
from casnet_cli import recipe as recipes
from casnet_cli.data import store
from casnet_cli.data.images import decode_label
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store, Subset
from casnet_cli.util import memory

TINY = (
    "model.weights='none'",
    "model.output_stride=32",
    "model.branch_channels=8",
    "augmentation.crop=33",
    "training.batch_size=2",
)
IMAGES, WIDTH, HEIGHT = 200, 320, 240


def made(path: Path, count: int) -> Path:
    """Images of noise, about 150 KB each: a data set that is held in memory would show."""
    entries = [Entry("train", f"{k:05d}", partial(blocks, k, WIDTH, HEIGHT)) for k in range(count)]
    return written(path, entries, Source("made", LABELS, lambda root: entries, ""))


def repeated(path: Path, data: Store, times: int) -> Path:
    """All stored training images of `data`, each under so many names."""
    part = Subset(data, "train", tuple(range(len(data.names["train"]))))
    entries = [
        Entry("train", f"{index:05d}-{copy}", partial(sample, part, index))
        for copy in range(times)
        for index in range(len(part))
    ]
    return written(path, entries, Source(data.name, data.labels, lambda root: entries, ""))


def sample(part: Subset, index: int) -> Sample:
    record = part[index]
    return Sample(record.image, np.asarray(decode_label(record.label)))


def written(path: Path, entries: list[Entry], source: Source) -> Path:
    store.write(path, source, entries, {"source": "made by a benchmark", "source_sha256": "", "source_stamp": "x"})
    return path


def train(file: Path, settings: list[str], marks: list[int]) -> None:
    """Train to the last mark, and print the resident bytes at each and the peak as JSON."""
    backend.start()
    from casnet_cli.data.loader import training_batches
    from casnet_cli.training.step import set_up
    from casnet_cli.training.train_state import assemble

    recipe, data = recipes.load(recipes.find("demo"), [*TINY, *settings]), Store(file)
    training, rate = recipe.training, recipe.optimizer.learning_rate
    state = assemble(recipe, len(data.labels), set_up(training), pretrained=False)
    part = data.parts()["train"]
    batches = training_batches(part, recipe.augmentation, (127, 127, 127), training.batch_size, training.seed)
    found = {}
    for step, batch in enumerate(islice(batches, max(marks)), 1):
        state.step(batch.image, batch.label, rate)
        if step in marks:
            found[step] = memory.memory_now()
    print(json.dumps({"images": len(part), "now": found, "peak": memory.memory_peak()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="prepared data set; default made images")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument(
        "--steps", type=int, nargs="+", default=[100, 300, 1000], help="at which memory is read; the last ends"
    )
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="beside a tiny recipe")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        train(options.child, options.set, options.steps)
        return
    with TemporaryDirectory(prefix="casnet-memory-") as name:
        one = options.data or made(Path(name) / "one.h5", IMAGES)
        many = repeated(Path(name) / "many.h5", Store(one), options.times)
        for file in (one, many):
            again = [sys.executable, __file__, "--child", str(file), "--steps", *map(str, options.steps)]
            again += [word for text in options.set for word in ("--set", text)]
            done = subprocess.run(again, stdout=subprocess.PIPE, text=True, check=True)
            found = json.loads(done.stdout)
            now = ", ".join(f"{int(size) / 2**20:.1f} MiB at step {step}" for step, size in found["now"].items())
            size = file.stat().st_size / 2**20
            print(f"{found['images']} images, {size:.0f} MiB: {now}, peak {found['peak'] / 2**20:.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
