"""Two devices, two processes and another back end do what one device of TensorFlow does."""

import json
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from helpers import steps_process
from helpers.steps_process import CLASSES, SETTINGS

from casnet_cli import recipe
from casnet_cli.labels import with_colors
from casnet_cli.runs import checkpoint
from casnet_cli.runs.progress import Progress
from casnet_cli.training.step import set_up
from casnet_cli.training.train_state import assemble

SCRIPT = Path(steps_process.__file__)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def launch(out: Path, strategy: str, file: Path, *more: str, **environment: str) -> "subprocess.Popen[bytes]":
    words = [sys.executable, str(SCRIPT), str(out), strategy, str(file), *more]
    return subprocess.Popen(words, stderr=subprocess.PIPE, env={**os.environ, **environment})


def finished(*processes: "subprocess.Popen[bytes]") -> None:
    for process in processes:
        errors = process.communicate()[1]
        assert process.returncode == 0, errors.decode()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the pre-trained network with fresh branches."""
    file = tmp_path_factory.mktemp("start") / "start.h5"
    chosen = recipe.load(recipe.find("demo"), SETTINGS)
    state = assemble(chosen, CLASSES, set_up(chosen.training))
    meta = checkpoint.Meta(chosen, with_colors(("a", "b", "c")), "made", "0" * 64, None, Progress(), {"best": 0.0})
    checkpoint.save(file, state.model, state.optimizer, meta)
    return file


@pytest.fixture(scope="module")
def one(start: Path) -> dict[str, np.ndarray]:
    finished(launch(start.with_name("one.npz"), "single", start))
    return dict(np.load(start.with_name("one.npz")))


def agree(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], kind: str, within: float) -> None:
    names = [name for name in expected if name.startswith(kind)]
    assert names
    for name in names:
        largest = max(1e-3, np.abs(expected[name]).max())
        worst = np.abs(found[name] - expected[name]).max() / largest
        assert worst <= within, f"{name}: {worst}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mirrored", "multi-worker", "slurm"])
def test_two_devices_give_the_weights_of_one(start: Path, one: dict[str, np.ndarray], kind: str) -> None:
    """1e-9 after twenty steps in float64; in float32 rounding grows too fast to compare more than one step."""
    out = start.with_name(f"{kind}.npz")
    if kind == "mirrored":
        finished(launch(out, kind, start, "virtual"))
    elif kind == "slurm":
        step = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "127.0.[0].1", "SLURM_STEP_TASKS_PER_NODE": "2"}
        finished(*(launch(out, "auto", start, **step, SLURM_PROCID=rank) for rank in "01"))
    else:
        workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
        environments = [
            json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}) for index in (0, 1)
        ]
        finished(*(launch(out, "auto", start, TF_CONFIG=text) for text in environments))
    two = dict(np.load(out))
    assert (int(one["replicas"]), int(two["replicas"])) == (1, 2)
    agree(two, one, "weights-float64", 1e-9)
    agree(two, one, "weights-float32", 1e-5)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jax") is None, reason="needs the extra jax")
def test_jax_finds_the_losses_of_tensorflow(start: Path, one: dict[str, np.ndarray]) -> None:
    finished(launch(start.with_name("jax.npz"), "single", start, KERAS_BACKEND="jax"))
    jax = dict(np.load(start.with_name("jax.npz")))
    np.testing.assert_allclose(jax["losses-float64"], one["losses-float64"][:10], rtol=1e-8)
    np.testing.assert_allclose(jax["losses-float32"], one["losses-float32"], rtol=1e-4)
