"""Stand-ins for the packages `wandb` and `mlflow`: what casnet calls of them, keeping what they are given."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

VARIABLES = ("WANDB_PROJECT", "WANDB_DIR", "MLFLOW_EXPERIMENT_NAME")

WANDB = """
inits, logged, ended, fail = [], [], [], []

class Settings(dict):
    pass

class Run:
    offline, url, dir = True, None, "run/wandb/offline-run-1 of me/files"

    def log(self, values, step):
        if fail:
            raise ConnectionError("no network")
        logged.append((step, values))

    def finish(self, exit_code):
        ended.append(exit_code)

def init(**given):
    inits.append(given)
    return Run()
"""

MLFLOW = """
class Thing:
    def __init__(self, **fields):
        self.__dict__.update(fields)

params, tags, metrics, status, made = {}, {}, [], [], []

class MlflowClient:
    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name):
        made.append(name)
        return "7"

    def create_run(self, experiment, run_name):
        made.append((experiment, run_name))
        return Thing(info=Thing(run_id="abc"))

    def get_run(self, run_id):
        return Thing(data=Thing(params={key: str(value) for key, value in params.items()}))

    def update_run(self, run_id, status):
        self.set_terminated(run_id, status)

    def log_param(self, run_id, key, value):
        assert params.setdefault(key, value) == value, "parameters cannot change"

    def set_tag(self, run_id, key, value):
        tags[key] = value

    def log_metric(self, run_id, key, value, step):
        metrics.append((run_id, key, value, step))

    def set_terminated(self, run_id, state):
        status.append((run_id, state))

def get_tracking_uri():
    return "file:///runs"
"""


@contextlib.contextmanager
def importable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the block both can be imported, from a folder that is made; the environment is as before after it."""
    folder.mkdir()
    (folder / "wandb.py").write_text(WANDB)
    (folder / "mlflow.py").write_text(MLFLOW)
    monkeypatch.syspath_prepend(folder)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    for name in ("wandb", "mlflow"):
        sys.modules.pop(name, None)
