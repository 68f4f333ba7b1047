"""The workers of a training that Slurm started, by the variables that `srun` sets for each of them."""

import os
import re
from collections.abc import Iterator
from itertools import chain, product
from math import prod

from casnet_cli.errors import BackendError

PORT = 12321
"""Port of the first worker on a node; those of the others follow."""

MOST = 65_536
"""Nodes that one expression may name, as in Slurm itself."""

_NODES = re.compile(r"(?:[^,\[\]\s]|\[[^\[\]]*\])+")
"""One expression of a list: commas divide it, but not within brackets."""


def task_count() -> int:
    """Tasks of the job step that this process belongs to; 1 outside Slurm."""
    tasks = os.environ.get("SLURM_STEP_NUM_TASKS", "")
    return int(tasks) if re.fullmatch("[0-9]{1,6}", tasks) else 1


def workers() -> tuple[list[str], int]:
    """Addresses of the tasks of this job step, `node:port` in the order of their ranks, and the rank of this one.

    Raises BackendError for variables that are missing or do not fit each other.
    """
    nodes, tasks = expand(_variable("SLURM_STEP_NODELIST")), expand_counts(_variable("SLURM_STEP_TASKS_PER_NODE"))
    rank = _variable("SLURM_PROCID")
    per_node = list(zip(nodes, tasks, strict=False))
    placed = [(number, f"{node}:{PORT + k}") for number, (node, count) in enumerate(per_node) for k in range(count)]
    if len(nodes) != len(tasks) or len(placed) != task_count() or rank not in map(str, range(len(placed))):
        raise BackendError(
            f"Slurm's variables do not fit each other: {task_count()} tasks, {len(nodes)} nodes with "
            f"{sum(tasks)} tasks, rank {rank} (start by srun, or set TF_CONFIG)"
        )
    own = placed[int(rank)][0]
    if os.environ.get("SLURM_NODEID", str(own)) != str(own):
        raise BackendError("Slurm's tasks are not distributed over the nodes in blocks (srun --distribution=block)")
    return [address for _, address in placed], int(rank)


def expand(nodes: str) -> list[str]:
    """The names in a list of nodes as `scontrol show hostnames` gives them, `rack[1-2]n[01-02],login-ib` for one.

    Ranges stand anywhere in a name, the last one counts fastest; numbers are as wide as the first of their range.
    TensorFlow's own resolver reads one range at the end of a name, and sorts the names by their letters. Raises
    BackendError.
    """
    parts = _NODES.findall(nodes)
    if not parts or ",".join(parts) != nodes:
        raise _unreadable(nodes)
    names: list[str] = []
    for part in parts:
        pieces = re.split(r"\[(.*?)\]", part)  # text and ranges in turn
        choices = [_numbers(piece, nodes) if k % 2 else [piece] for k, piece in enumerate(pieces)]
        if prod(map(len, choices)) + len(names) > MOST:
            raise _unreadable(nodes)
        names += map("".join, product(*choices))
    return names


def _numbers(ranges: str, nodes: str) -> list[str]:
    """`08-10,12` → 08, 09, 10, 12."""

    def of(text: str) -> Iterator[str]:
        found = re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", text)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not found or not 0 <= last - first < MOST:
            raise _unreadable(nodes)
        return (f"{number:0{len(found[1])}}" for number in range(first, last + 1))

    return list(chain.from_iterable(map(of, ranges.split(","))))


def expand_counts(tasks: str) -> list[int]:
    """Tasks of each node: `2(x3),1` → 2, 2, 2, 1. Raises BackendError."""
    counts: list[int] = []
    for part in tasks.split(","):
        found = re.fullmatch(r"([0-9]{1,6})(?:\(x([0-9]{1,5})\))?", part)
        if not found:
            raise BackendError(f"SLURM_STEP_TASKS_PER_NODE={tasks}: not a list of numbers (2(x3),1 for one)")
        counts += [int(found[1])] * int(found[2] or 1)
    return counts


def _variable(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise BackendError(
            f"{name}: not set, though SLURM_STEP_NUM_TASKS is (start by srun, or set TF_CONFIG)"
        ) from None


def _unreadable(nodes: str) -> BackendError:
    return BackendError(f"SLURM_STEP_NODELIST={nodes[:100]}: not a list of nodes (n[1-3],rack[1-2]n[01-16] for one)")
