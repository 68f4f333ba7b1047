"""A simulated labelling project: which order of `casnet rank` gets most out of the labels it asks for?

    python tests/experiments/labelling_loop.py --data data/stanford-background.h5 --folder loop
    python tests/experiments/labelling_loop.py --data data/camvid.h5 --recipe camvid-lite --judge val --folder camvid

A tenth of the training images, drawn by seed, is labelled first; then in each round as many more as the order names, by
the network of the round before, from which the next is fine-tuned. Everything is done by casnet's own commands. Called
again it goes on where it was stopped; several processes may share one folder, each with its own --seeds or --by. It
prints the accuracy on the judged images after each round, and the paired differences to `random`.
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
    data: Store
    judge: str
    recipe: str
    overrides: tuple[str, ...]
    folder: Path
    first_steps: int
    steps: int

    @property
    def judged(self) -> list[Entry]:
        chosen = self.data.parts()[self.judge]
        every = {(entry.split, entry.name): entry for entry in self.data.entries()}
        return [replace(every[chosen.group, record.name], split="test") for record in chosen]

    @property
    def pool(self) -> list[Entry]:
        held = {entry.name for entry in self.judged} if self.data.folds else set()
        return [entry for entry in self.data.entries() if entry.split == "train" and entry.name not in held]

    def run(self, by: str, seed: int, number: int) -> Path:
        return self.folder / f"{by if number else FIRST}-{seed}-{number}"

    def measured(self, by: str, seed: int, number: int) -> PerImageCounts | None:
        """Counts on the judged images after round `number`, 0 being the first tenth."""
        run = self.run(by, seed, number)
        if not (run / "checkpoints" / "best.h5").is_file() or not run.with_suffix(".h5").is_file():
            return None
        return evaluation_key(trained.find_run(run), Store(run.with_suffix(".h5"))).per_image()

    def labelled(self, by: str, seed: int, number: int) -> list[str]:
        """Names of the images that are labelled in round `number`, kept as a file once they are chosen."""
        kept = self.run(by, seed, number).with_suffix(".json")
        if not kept.is_file():
            names = [entry.name for entry in self.pool]
            share = round(len(names) / 10)
            if number == 0:
                chosen = np.random.default_rng(seed).permutation(names)[:share].tolist()
            else:
                before = self.labelled(by, seed, number - 1)
                left = [name for name in names if name not in set(before)]
                chosen = before + self.ordered(by, seed, number - 1, left)[:share]
            kept.write_text(json.dumps(chosen))
        return json.loads(kept.read_text())

    def ordered(self, by: str, seed: int, number: int, left: list[str]) -> list[str]:
        if by == "random":
            return np.random.default_rng([seed, number]).permutation(left).tolist()
        run, wanted = self.run(by, seed, number), set(left)
        photos = self.folder / "photos"
        photos.mkdir(exist_ok=True)
        for entry in self.pool:
            file = photos / f"{entry.name}.jpg"
            if entry.name in wanted and not file.is_file():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(entry.load().image)
        files = [photos / f"{name}.jpg" for name in left]
        casnet("rank", *files, "--run", run, "--by", by, "--out", run / "rank.csv")
        with open(run / "rank.csv", newline="") as opened:
            return [Path(row["file"]).relative_to(photos).with_suffix("").as_posix() for row in csv.DictReader(opened)]

    def train(self, by: str, seed: int, number: int) -> None:
        run, names = self.run(by, seed, number), set(self.labelled(by, seed, number))
        entries = [*(entry for entry in self.pool if entry.name in names), *self.judged]
        data = run.with_suffix(".h5")
        if not data.is_file():
            source = Source(self.data.name, self.data.labels, lambda root: entries, "")
            told = {"source": f"{len(names)} images of {self.data.path}", "source_sha256": "", "source_stamp": ""}
            store.write(data, source, entries, told)
        every = max(1, (len(names) - 1) // 8)
        epochs = max(1, (self.steps if number else self.first_steps) // every)
        settings = [
            f"training.epochs={epochs}",
            f"evaluation.every_epochs={epochs}",  # the last weights are kept: one held-out image chooses nothing
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
            tallies = {seed: told for seed in seeds if (told := loop.measured(by, seed, number))}
            if not tallies:
                continue
            each = [per_image.means([told]) for told in tallies.values()]
            figures = {key: [one[key] for one in each] for key in METRIC_NAMES}
            paired = {seed: other for seed in tallies if (other := loop.measured("random", seed, number))}
            against = (
                per_image.difference([tallies[seed] for seed in paired], list(paired.values())) if paired else None
            )
            found[f"{by} {share}"] = {"seeds": list(tallies), "figures": figures, "against_random": against}
            cells = []
            for key in METRIC_NAMES:
                values = 100 * np.array(figures[key])
                spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
                cells.append(f"{values.mean():.1f}{spread}")
                if number and by != "random" and against and against[key]["ci95"]:
                    low, high = (100 * bound for bound in against[key]["ci95"])
                    cells[-1] += f" ({100 * against[key]['value']:+.1f} [{low:+.1f}, {high:+.1f}])"
            print(f"| {share} | {by if number else 'all'} | {len(tallies)} | {' | '.join(cells)} |")
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
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    loop = Loop(
        Store(asked.data),
        asked.judge,
        asked.recipe,
        tuple(asked.overrides),
        asked.folder,
        asked.first_steps,
        asked.steps,
    )
    orders, seeds = asked.by.split(","), [int(word) for word in asked.seeds.split(",")]
    for seed, by, number in itertools.product(seeds, orders, range(asked.rounds + 1)):
        if loop.measured(by, seed, number) is None:
            loop.train(by, seed, number)
            table(loop, orders, seeds, asked.rounds)
    table(loop, orders, seeds, asked.rounds)


if __name__ == "__main__":
    main()
