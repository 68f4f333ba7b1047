"""The runs of a training at Weights & Biases and MLflow, by their own packages: what `training.loggers` names."""

import os
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from casnet_cli.errors import BackendError, reason
from casnet_cli.util.extras import install
from casnet_cli.util.shell import typed

PROJECT = "casnet"
"""W&B's project and MLflow's experiment, unless the variables `WANDB_PROJECT`, `MLFLOW_EXPERIMENT_NAME` name others."""
CLOSING = 60.0
"""Seconds that a logger may take at the end to send what is left."""

Row = Mapping[str, float]
"""A line of the history."""


@dataclass(frozen=True)
class LoggedRun:
    """What a logger receives of a run at its beginning."""

    folder: Path
    """The run folder. W&B keeps its own files in it, in `wandb/`, unless the variable `WANDB_DIR` names another."""
    name: str
    """Under which the run is shown."""
    recipe: dict[str, dict[str, Any]]
    """The recipe: keys and values of each section."""


class Logger(Protocol):
    """A run at one logger. Each method may raise whatever its package does."""

    identity: str
    """By which the logger finds the run again."""
    place: str
    """Where it is shown, for the user."""

    def send(self, step: int, values: dict[str, float]) -> None:
        """Numbers by tag after step number `step`."""

    def end(self, finished: bool) -> None:
        """Send what is left, and close the run. finished: whether the training came to its end."""


class WandbLogger:
    """A run at Weights & Biases."""

    def __init__(self, run: LoggedRun, known: str | None):
        """known: the identity of the run if it goes on."""
        os.environ.setdefault("WANDB_SILENT", "true")  # or it asks for a key at the terminal, and waits
        import wandb

        self.identity = known or uuid.uuid4().hex
        folder = os.environ.get("WANDB_DIR") or str(run.folder)
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=run.name,
            id=self.identity,
            resume="allow",
            dir=folder,
            config=run.recipe,
            allow_val_change=True,
            settings=wandb.Settings(console="off"),
        )
        own = typed(Path(self.run.dir).parent)
        away = self.run.url or "sent nowhere, as WANDB_MODE says"
        self.place = f"offline, sent by wandb sync {own}" if self.run.offline else away

    def send(self, step: int, values: dict[str, float]) -> None:
        """As in `Logger`."""
        self.run.log(values, step=step)

    def end(self, finished: bool) -> None:
        """As in `Logger`."""
        self.run.finish(exit_code=0 if finished else 1)


class MlflowLogger:
    """A run at MLflow. The server's address is that of the variable `MLFLOW_TRACKING_URI`."""

    def __init__(self, run: LoggedRun, known: str | None):
        """known: the identity of the run if it goes on."""
        # MLflow's own defaults keep a training waiting for minutes where the server is gone.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        import mlflow

        if mlflow.get_tracking_uri().startswith("file:"):  # newer versions ask whether one means it
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        self.client = mlflow.MlflowClient()
        self.identity = known or self._created(run)
        self.place = f"run {self.identity} at {mlflow.get_tracking_uri()}"
        if known:
            self.client.update_run(known, status="RUNNING")
        settings = {f"{section}.{key}": value for section, keys in run.recipe.items() for key, value in keys.items()}
        before = self.client.get_run(self.identity).data.params
        for key, value in settings.items():
            if key not in before:
                self.client.log_param(self.identity, key, value)
            elif before[key] != str(value):  # parameters of MLflow cannot change
                self.client.set_tag(self.identity, key, value)

    def _created(self, run: LoggedRun) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT
        found = self.client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else self.client.create_experiment(name)
        return str(self.client.create_run(experiment, run_name=run.name).info.run_id)

    def send(self, step: int, values: dict[str, float]) -> None:
        """As in `Logger`."""
        for tag, value in values.items():
            self.client.log_metric(self.identity, tag, value, step=step)

    def end(self, finished: bool) -> None:
        """As in `Logger`."""
        self.client.set_terminated(self.identity, "FINISHED" if finished else "KILLED")


LOGGERS: dict[str, Callable[[LoggedRun, str | None], Logger]] = {"wandb": WandbLogger, "mlflow": MlflowLogger}
"""By their names in a recipe, which are those of their packages."""


def check_installed(names: Sequence[str]) -> None:
    """Raises BackendError that names each logger whose package is not installed."""
    faults = []
    for name in dict.fromkeys(names):
        found = find_spec(name)
        if found is None or found.origin is None:  # a folder of this name, such as W&B leaves, is no package
            faults.append(f"training.loggers: {name} is not installed ({install(name)})")
    if faults:
        raise BackendError(*faults)


class Loggers:
    """The runs of a training at all loggers of a recipe. No method raises: `faults` takes what went wrong."""

    def __init__(self, names: Sequence[str], run: LoggedRun, known: Mapping[str, str], logged: int):
        """known: identities of the run where it was logged before; logged: as many lines of its history were sent."""
        self.faults: list[str] = []
        self.open: dict[str, Logger] = {}
        self._sent: dict[str, int] = {}
        self._failing: set[str] = set()
        for name in dict.fromkeys(names):
            try:
                self.open[name] = LOGGERS[name](run, known.get(name))
            except Exception as error:
                self.faults.append(f"{name}: this training is not logged there: {reason(error)}")
                continue
            self._sent[name] = logged if name in known else 0

    @property
    def identities(self) -> dict[str, str]:
        """By which each logger finds the run again."""
        return {name: logger.identity for name, logger in self.open.items()}

    def write(self, history: Sequence[Row]) -> None:
        """Send the lines that were not sent yet. Those that a logger does not take are sent again the next time."""
        for name, logger in self.open.items():
            try:
                for row in history[self._sent[name] :]:
                    logger.send(int(row["step"]), _scalars(row))
                    self._sent[name] += 1
            except Exception as error:
                if name not in self._failing:
                    self.faults.append(f"{name}: did not take epoch {self._sent[name] + 1}: {reason(error)}")
                self._failing.add(name)

    def close(self, finished: bool) -> None:
        """End the runs; a logger that takes longer than `CLOSING` is left alone. finished: as in `Logger.end`."""
        for name, logger in self.open.items():
            fault: list[str] = []
            thread = threading.Thread(target=_end, args=(logger, finished, fault), daemon=True)
            thread.start()
            thread.join(CLOSING)
            if thread.is_alive():
                fault = [f"has not taken all after {CLOSING:.0f} s"]
            self.faults += [f"{name}: {text}" for text in fault]
        self.open = {}


def _end(logger: Logger, finished: bool, fault: list[str]) -> None:
    try:
        logger.end(finished)
    except Exception as error:
        fault.append(f"the run was not ended: {reason(error)}")


def _scalars(row: Row) -> dict[str, float]:
    """A line of the history under the tags of TensorBoard's curves."""
    values = {}
    for name, value in row.items():
        if name.startswith("val_") and not name.endswith("_seconds"):
            values[f"val/{name.removeprefix('val_')}"] = value
        elif name.startswith("loss"):
            values[f"train/{name.removeprefix('loss_')}"] = value
        elif name == "learning_rate":
            values[f"train/{name}"] = value
        elif name.endswith("_seconds"):
            values[f"speed/{name}"] = value
    return values | {"epoch": row["epoch"]}
