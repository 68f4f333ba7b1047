"""A run that is killed and continued ends exactly where one that was left alone does."""

import csv
import hashlib
import random
import re
import signal
from pathlib import Path

import pytest
from helpers.cli import finish, settings, start, wait_for
from helpers.datasets import write_blocks

OPTIONS = [
    *settings(
        "training.epochs=4",
        "training.deterministic=true",
        "training.checkpoint_every_steps=2",
        "model.dropout=0.3",
        "augmentation.mirror=true",
        "augmentation.color_jitter=0.2",
        "schedule.kind='cosine'",
        "schedule.warmup_steps=3",
        "evaluation.samples=1",
    ),
    "--data",
    "data/blocks.h5",
]
STEPS = 12


def digest(run: Path) -> dict[str, str]:
    names = ("last.h5", "best.h5")
    return {name: hashlib.sha256((run / "checkpoints" / name).read_bytes()).hexdigest() for name in names}


def history(run: Path) -> list[dict[str, str]]:
    with open(run / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: cell for name, cell in row.items() if not name.endswith("_seconds")} for row in rows]


@pytest.mark.slow
def test_killed_at_random_steps_and_while_a_checkpoint_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_blocks(tmp_path / "data" / "blocks.h5", {"train": 12, "val": 3, "test": 4})
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish("train", "folder", *OPTIONS, "--run", whole)
    chance, stops = random.Random(20261122), []
    for step in sorted(chance.sample(range(1, STEPS), 3)):
        with start("train", "folder", *OPTIONS, "--run", killed, "--resume") as process:
            assert process.stderr
            for line in process.stderr:
                found = re.search(rf"training: (\d+)/{STEPS}", line)
                if found and int(found[1]) >= step:
                    stops.append(int(found[1]))
                    process.kill()
                    break
        assert process.returncode == -signal.SIGKILL
    with start("train", "folder", *OPTIONS, "--run", killed, "--resume") as process:
        partial = killed / "checkpoints" / "last.h5.part"
        partial.unlink(missing_ok=True)
        wait_for(partial, process)
        process.kill()
    assert process.returncode == -signal.SIGKILL and partial.exists(), "the checkpoint was half written"
    output = finish("train", "folder", *OPTIONS, "--run", killed, "--resume")
    assert "continuing" in output and len(stops) == 3
    assert digest(killed) == digest(whole)
    assert history(killed) == history(whole) and len(history(whole)) == 4
    assert not list(killed.rglob("*.part"))
