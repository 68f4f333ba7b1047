"""Several processes train one run: the chief alone writes, a lost worker is one line, and the run goes on."""

import csv
import json
import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.cli import finish, settings, start, wait_for
from helpers.datasets import write_blocks

OPTIONS = [
    *settings("training.epochs=6", "training.checkpoint_every_steps=1", "model.dropout=0.0"),
    *("--set", "training.precision='float64'", "--data", "data/blocks.h5"),
]


def together(*words: object) -> "list[subprocess.Popen[str]]":
    """Two workers on loopback."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    tasks = [{"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}} for index in (0, 1)]
    return [start(*words, TF_CONFIG=json.dumps(task)) for task in tasks]


def ended(processes: "list[subprocess.Popen[str]]") -> list[tuple[int, str]]:
    return [(process.returncode, output) for process in processes for output in (process.communicate()[1],)]


def history_of(run: Path) -> list[list[float]]:
    with open(run / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [[float(cell) for name, cell in row.items() if not name.endswith("_seconds")] for row in rows]


@pytest.mark.slow
def test_two_workers_lose_one_are_stopped_and_end_as_one_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_blocks(tmp_path / "data" / "blocks.h5", {"train": 12, "val": 3, "test": 4})
    one, two = tmp_path / "one", tmp_path / "two"
    finish("train", "folder", *OPTIONS, "--run", one)

    workers = together("train", "folder", *OPTIONS, "--run", two)
    wait_for(two / "checkpoints" / "previous.h5", workers[0])
    workers[1].kill()
    (code, output), (killed, _) = ended(workers)
    assert (code, killed) == (2, -signal.SIGKILL)
    assert output.count("error:") == 1 and "another of the 2 workers is gone" in output and "--resume" in output

    (two / "checkpoints" / "previous.h5").unlink()
    workers = together("train", "--resume", "--run", two)
    wait_for(two / "checkpoints" / "previous.h5", workers[0])
    workers[1].send_signal(signal.SIGTERM)  # one gets a signal, both leave after the same step
    (code, output), (other, quiet) = ended(workers)
    assert (code, other) == (130, 130)
    assert "go on: casnet train" in output and "run folder" not in quiet

    outcomes = ended(together("train", "--resume", "--run", two))
    assert [code for code, _ in outcomes] == [0, 0]
    np.testing.assert_allclose(history_of(two), history_of(one), rtol=1e-6)
    with h5py.File(one / "checkpoints/last.h5") as ours, h5py.File(two / "checkpoints/last.h5") as theirs:
        kernel = "model/coarse_logits/kernel"
        np.testing.assert_allclose(ours[kernel][()], theirs[kernel][()], rtol=1e-5, atol=1e-7)
    assert 1 <= len(list(two.glob("events.out.tfevents.*"))) <= 3, "at most one a start, by the chief alone"
    assert len(json.loads((two / "run.json").read_text())["continued"]) == 2
