"""Lists of nodes counted by hand, as `scontrol show hostnames` expands them."""

import pytest

from casnet_cli.errors import BackendError
from casnet_cli.training import slurm


@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ("n1", "n1"),
        ("n[1-2],m5,o[3-4,6,7-9]", "n1 n2 m5 o3 o4 o6 o7 o8 o9"),
        ("n[9-11]", "n9 n10 n11"),
        ("n[08-11]", "n08 n09 n10 n11"),
        ("n[098-101,7]", "n098 n099 n100 n101 n7"),
        ("rack[1-2]n[01-02]", "rack1n01 rack1n02 rack2n01 rack2n02"),
        ("r[0,3]c[1-2]s[5]", "r0c1s5 r0c2s5 r3c1s5 r3c2s5"),
        ("n[1-2]-ib", "n1-ib n2-ib"),
        ("n[1-2]-ib,gpu-a[10].cluster.org,login", "n1-ib n2-ib gpu-a10.cluster.org login"),
        ("[1-2]", "1 2"),
    ],
)
def test_nodes(nodes: str, names: str) -> None:
    assert slurm.expand(nodes) == names.split()


@pytest.mark.parametrize(
    "nodes",
    ["", ",", "n1,", "n[1-2", "n1-2]", "n[]", "n[1-]", "n[3-1]", "n[1--2]", "n[a-b]", "n[[1]]", "n[1,]", "n 1", "n[٣]"]
    + ["n[0-99999]", "n[0-999]m[0-999]", "n[1-999999999999]", "n[1-" + "9" * 5000 + "]"],
)
def test_what_is_no_list_of_nodes(nodes: str) -> None:
    with pytest.raises(BackendError, match="not a list of nodes") as caught:
        slurm.expand(nodes)
    assert len(str(caught.value)) < 250


def test_counts() -> None:
    assert slurm.expand_counts("2(x3),1") == [2, 2, 2, 1]
    assert slurm.expand_counts("4") == [4]
    for text in ("", "2(3)", "x", "1,,2", "-1", "9" * 5000):
        with pytest.raises(BackendError, match="SLURM_STEP_TASKS_PER_NODE="):
            slurm.expand_counts(text)


def step(monkeypatch: pytest.MonkeyPatch, **variables: object) -> None:
    for name in ("STEP_NUM_TASKS", "STEP_NODELIST", "STEP_TASKS_PER_NODE", "PROCID", "NODEID"):
        monkeypatch.delenv(f"SLURM_{name}", raising=False)
        if name in variables:
            monkeypatch.setenv(f"SLURM_{name}", str(variables[name]))


def test_ranks_go_by_nodes_as_slurm_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """n9 before n10, though not by their letters."""
    job = {"STEP_NUM_TASKS": 5, "STEP_NODELIST": "n[9-10],m1", "STEP_TASKS_PER_NODE": "2(x2),1"}
    addresses = ["n9:12321", "n9:12322", "n10:12321", "n10:12322", "m1:12321"]
    for rank, node in enumerate((0, 0, 1, 1, 2)):
        step(monkeypatch, PROCID=rank, NODEID=node, **job)
        assert slurm.workers() == (addresses, rank) and slurm.task_count() == 5
    step(monkeypatch, PROCID=1, NODEID=1, **job)
    with pytest.raises(BackendError, match="--distribution=block"):
        slurm.workers()
    for wrong in ({"STEP_NUM_TASKS": 6}, {"PROCID": 5}, {"PROCID": "x"}, {"STEP_NODELIST": "n[1-2]"}):
        step(monkeypatch, **({"PROCID": 0} | job | wrong))
        with pytest.raises(BackendError, match="do not fit each other"):
            slurm.workers()
    step(monkeypatch, STEP_NUM_TASKS=5)
    with pytest.raises(BackendError, match="SLURM_STEP_NODELIST: not set"):
        slurm.workers()


def test_outside_slurm_there_is_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    step(monkeypatch)
    assert slurm.task_count() == 1
