"""A simulated labelling project: which order of `casnet rank` makes most of a number of labels?

    python tests/experiments/labelling_loop.py --data data/stanford-background.h5 --folder loop
    python tests/experiments/labelling_loop.py --data data/camvid.h5 --recipe camvid-lite --judge val --folder camvid

A tenth of the training images, drawn by seed, is labelled first; then in each round as many more as the order names, by
the network of the round before, from which the next is fine-tuned. Everything is done by casnet's own commands. A
second call goes on where the first was stopped; several processes may share one folder, each with its own --seeds or
--by. It prints the accuracy on the test images after each round, and the paired differences to `random`.
"""

import csv
import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from series import arguments, casnet  # type: ignore[import-not-found]

from casnet_cli.data import store
from casnet_cli.data.sources.base import Entry, Source
from casnet_cli.data.store import Store
from casnet_cli.evaluation import per_image
from casnet_cli.evaluation.confusion import METRIC_NAMES
from casnet_cli.evaluation.measurement import evaluation_key
from casnet_cli.evaluation.per_image import PerImageCounts
from casnet_cli.runs import trained

ORDERS = ("random", "difficulty", "entropy", "mixed")
FIRST = "first"
"""The training on the tenth that all orders begin with."""


@dataclass(frozen=True)
class Loop:
    """The project: its data, and how each round is trained."""

    data: Store
    """The images and labels."""
    test_part: str
    """The part of the data that measures, `test` or `val`."""
    recipe: str
    """Its name or file."""
    overrides: tuple[str, ...]
    """Values of `--set`."""
    folder: Path
    """Holds runs, data sets and lists of names."""
    first_steps: int
    """At most, of the training on the first tenth."""
    steps: int
    """At most, of each training that follows."""

    @property
    def test_images(self) -> list[Entry]:
        """The images that measure every round, as test images."""
        records = self.data.parts()[self.test_part]
        every = {(entry.split, entry.name): entry for entry in self.data.entries()}
        return [replace(every[records.group, record.name], split="test") for record in records]

    @property
    def pool(self) -> list[Entry]:
        """The training images, which are labelled round by round."""
        held = {entry.name for entry in self.test_images} if self.data.folds else set()
        return [entry for entry in self.data.entries() if entry.split == "train" and entry.name not in held]

    def run(self, by: str, seed: int, number: int) -> Path:
        """The folder of the training of round `number`."""
        return self.folder / f"{by if number else FIRST}-{seed}-{number}"

    def counts(self, by: str, seed: int, number: int) -> PerImageCounts | None:
        """Counts on the test images after round `number`, 0 being the first tenth."""
        run = self.run(by, seed, number)
        if not (run / "checkpoints" / "best.h5").is_file() or not run.with_suffix(".h5").is_file():
            return None
        return evaluation_key(trained.find_run(run), Store(run.with_suffix(".h5"))).per_image()

    def labelled(self, by: str, seed: int, number: int) -> list[str]:
        """Names of the images that are labelled in round `number`, kept in a file from then on."""
        kept = self.run(by, seed, number).with_suffix(".json")
        if not kept.is_file():
            names = [entry.name for entry in self.pool]
            share = round(len(names) / 10)
            if number == 0:
                drawn = np.random.default_rng(seed).permutation(names)[:share].tolist()
            else:
                before = self.labelled(by, seed, number - 1)
                left = [name for name in names if name not in set(before)]
                drawn = before + self.ordered(by, seed, number - 1, left)[:share]
            kept.write_text(json.dumps(drawn))
        return json.loads(kept.read_text())

    def ordered(self, by: str, seed: int, number: int, left: list[str]) -> list[str]:
        """The names of the images without labels, the first to be labelled first."""
        if by == "random":
            return np.random.default_rng([seed, number]).permutation(left).tolist()
        run, unlabelled = self.run(by, seed, number), set(left)
        photos = self.folder / "photos"
        photos.mkdir(exist_ok=True)
        for entry in self.pool:
            file = photos / f"{entry.name}.jpg"
            if entry.name in unlabelled and not file.is_file():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(entry.load().image)
        files = [photos / f"{name}.jpg" for name in left]
        casnet("rank", *files, "--run", run, "--by", by, "--out", run / "rank.csv")
        with open(run / "rank.csv", newline="") as opened:
            return [Path(row["file"]).relative_to(photos).with_suffix("").as_posix() for row in csv.DictReader(opened)]

    def train(self, by: str, seed: int, number: int) -> None:
        """Train and measure round `number`."""
        run, names = self.run(by, seed, number), set(self.labelled(by, seed, number))
        entries = [*(entry for entry in self.pool if entry.name in names), *self.test_images]
        data = run.with_suffix(".h5")
        if not data.is_file():
            source = Source(self.data.name, self.data.labels, lambda root: entries, "")
            origin = {"source": f"{len(names)} images of {self.data.path}", "source_sha256": "", "source_stamp": ""}
            store.write(data, source, entries, origin)
        every = max(1, (len(names) - 1) // 8)
        epochs = max(1, (self.steps if number else self.first_steps) // every)
        settings = [
            f"training.epochs={epochs}",
            f"evaluation.every_epochs={epochs}",  # the last weights are kept: one held-out image cannot choose
            "data.validation_fraction=0.001",
            "training.batch_size=8",
            f"training.seed={seed}",
            *self.overrides,
        ]
        words = list(itertools.chain.from_iterable(("--set", setting) for setting in settings))
        start = ["--init", self.run(by, seed, number - 1)] if number else []
        casnet("train", self.recipe, "--data", data, "--run", run, *words, *start, "--resume")
        casnet("eval", "--run", run, "--data", data, "--split", "test", "--worst", 0)


def table(loop: Loop, orders: list[str], seeds: list[int], rounds: int) -> dict:
    """Printed as Markdown, and kept in loop.json."""
    found = {}
    for number in range(rounds + 1):
        share = f"{10 * (number + 1)} %"
        for by in orders if number else ["random"]:
            counts = {seed: own for seed in seeds if (own := loop.counts(by, seed, number))}
            if not counts:
                continue
            each = [per_image.means([own]) for own in counts.values()]
            metrics = {key: [one[key] for one in each] for key in METRIC_NAMES}
            paired = {seed: other for seed in counts if (other := loop.counts("random", seed, number))}
            against = per_image.difference([counts[seed] for seed in paired], list(paired.values())) if paired else None
            found[f"{by} {share}"] = {"seeds": list(counts), "figures": metrics, "against_random": against}
            cells = []
            for key in METRIC_NAMES:
                values = 100 * np.array(metrics[key])
                spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
                cells.append(f"{values.mean():.1f}{spread}")
                if number and by != "random" and against and against[key]["ci95"]:
                    low, high = (100 * bound for bound in against[key]["ci95"])
                    cells[-1] += f" ({100 * against[key]['value']:+.1f} [{low:+.1f}, {high:+.1f}])"
            print(f"| {share} | {by if number else 'all'} | {len(counts)} | {' | '.join(cells)} |")
    (loop.folder / "loop.json").write_text(json.dumps(found, indent=2) + "\n")
    return found


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--judge", default="test", choices=("test", "val"))
    parser.add_argument("--by", default=",".join(ORDERS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--first-steps", type=int, default=300, help="at most, of the training on the first tenth")
    parser.add_argument("--steps", type=int, default=300, help="at most, of each training that follows")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    loop = Loop(
        Store(options.data),
        options.judge,
        options.recipe,
        tuple(options.overrides),
        options.folder,
        options.first_steps,
        options.steps,
    )
    orders, seeds = options.by.split(","), [int(word) for word in options.seeds.split(",")]
    for seed, by, number in itertools.product(seeds, orders, range(options.rounds + 1)):
        if loop.counts(by, seed, number) is None:
            loop.train(by, seed, number)
            table(loop, orders, seeds, options.rounds)
    table(loop, orders, seeds, options.rounds)


if __name__ == "__main__":
    main()
