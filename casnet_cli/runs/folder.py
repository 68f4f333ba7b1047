"""What `casnet train` keeps in a run folder, and what a continuation finds in it."""

import contextlib
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO

from casnet_cli import __version__
from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.errors import RunBusy, RunError, reason
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import Meta, good_step, read_checked_meta
from casnet_cli.runs.history import read_history
from casnet_cli.runs.json_record import read_record
from casnet_cli.runs.locate import RunLayout
from casnet_cli.runs.progress import EpochRow
from casnet_cli.runs.records import Continuation, RunRecord
from casnet_cli.util import locks
from casnet_cli.util.files import write_whole
from casnet_cli.util.shell import typed
from casnet_cli.util.tables import write_csv
from casnet_cli.util.visible import visible

PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "h5py", "grain", "pillow")

LOCK = ".lock"
"""File in a run folder that is locked by the process that trains the run."""

ORIGIN = ("casnet", "python", "packages", "host", "machine", "command", "init", "back_end")
"""Fields of `RunRecord` that describe the call that began a run; `continued` describes later calls."""


@dataclass(frozen=True)
class Beginning:
    """What a run was begun with that ended before its first checkpoint."""

    recipe: Path
    """The recipe in its folder."""
    data: Path | None = None
    """The data set; None: run.json is damaged or gone."""
    fold: int | None = None
    """Fold of the cross-validation; None: none, or not known."""
    init: Path | None = None
    """Checkpoint whose weights it began with; None: none, or not known."""
    recipe_name: str | None = None
    """Name of the recipe; None: not known."""


class RunFolder(RunLayout):
    """A run folder that is read and written."""

    @property
    def newest(self) -> Path:
        """The checkpoint that training has come to; the best one, where it is the only one, is of an earlier epoch."""
        return self.last if self.last.is_file() else self.best

    def resumable(self) -> Meta | None:
        """The meta of the last checkpoint, or None if the run has not begun.

        Raises RunError for a damaged one, naming a good earlier checkpoint.
        """
        if not self.last.exists():
            return None
        try:
            return read_checked_meta(self.last)
        except RunError as error:
            for other in (self.previous, self.best):
                if step := good_step(other):
                    again = f"cp {typed(other, self.last)}"
                    fault = f"{error.faults[0]} ({other.name}, after step {step}, is good: {again})"
                    raise RunError(fault) from None
            raise

    def recover(self) -> bool:
        """Put the best checkpoint in the place of a last one that is not there; returns whether that was so.

        A run killed at its first validation has left this, or somebody who removed the larger file. Raises RunError.
        """
        if self.last.exists() or not self.best.is_file():
            return False
        _copy(self.best, self.last)
        return True

    def take_last(self) -> bool:
        """Make the last checkpoint the best one of a run that was never validated; returns whether it is such a run.

        Raises RunError.
        """
        if self.best.is_file():
            return False
        _copy(self.last, self.best)
        return True

    def lock(self, warn: Callable[[str], object] = lambda text: None) -> TextIO:
        """A file that keeps other processes from training this run while it is open; it closes with the process.

        warn: gets a line where nothing can keep them from it. Raises RunError, of kind RunBusy if another one does.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            held = open(self.path / LOCK, "w")  # noqa: SIM115
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {reason(error)}") from None
        try:
            locks.lock(held, warn)
            return held
        except BlockingIOError:
            raise RunBusy(f"{self.path}: another process is training this run (wait for it, or stop it)") from None
        except OSError as error:
            raise RunError(f"{self.path}: cannot be locked: {reason(error)}") from None

    @property
    def is_trained(self) -> bool:
        """Whether another process trains this run at the moment."""
        try:
            with open(self.path / LOCK) as held:
                locks.lock(held, lambda text: None, shared=True)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def create(
        self,
        recipe: Recipe,
        data: Store,
        fold: int | None,
        init: Path | None = None,
        begun: Meta | None = None,
        recipe_name: str | None = None,
    ) -> None:
        """Make the folder with recipe.toml and run.json, or note in them that the run goes on.

        init: the checkpoint whose weights it begins with. begun: the meta of the last checkpoint of a run that goes on.
        recipe_name: for the record of a run that begins. Raises RunError if the folder cannot be written.
        """
        record = _record_of_call(recipe, data, fold, init).model_copy(update={"recipe": recipe_name})
        changes: list[str] = []
        if begun:
            step, found = begun.progress.step, recipes.differences(begun.recipe, recipe)
            record = _continued(self._record(), record, step, found)
            changes = [f"after step {step}: {change}" for change in found]
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.samples.mkdir(exist_ok=True)
            for left in self.checkpoints.glob("*.part"):
                left.unlink()  # by a kill
            write_whole(self.recipe, recipes.dumps(recipe))
            write_whole(self.record, record.as_json())
            for change in changes:
                self.log(change)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {reason(error)}") from None

    def begun_with(self) -> Beginning | None:
        """What a run was begun with that ended before its first checkpoint; None if there is no such run."""
        if not self.recipe.is_file():
            return None
        try:
            record = read_record(RunRecord, self.record)
        except RunError:
            return Beginning(self.recipe)
        init = Path(record.init) if record.init else None
        return Beginning(self.recipe, Path(record.data), record.fold, init, record.recipe)

    def logged(self) -> dict[str, str]:
        """Identities of the run at the loggers that it was logged to."""
        found = self._record()
        return found.logged if found else {}

    def keep_logged(self, identities: dict[str, str]) -> None:
        """Add identities at loggers to run.json. Raises OSError."""
        found = self._record()
        if found and identities.items() - found.logged.items():
            write_whole(self.record, found.model_copy(update={"logged": found.logged | identities}).as_json())

    def _record(self) -> RunRecord | None:
        """run.json; None if it is damaged: then it is written anew."""
        try:
            found = read_record(RunRecord, self.record)
        except RunError:
            return None
        return found if "continued" in found.model_fields_set else None

    def log(self, line: str) -> None:
        """Add a line to log.txt. Raises OSError."""
        with open(self.log_file, "a", encoding="utf-8") as file:
            file.write(visible(line) + "\n")

    def recall_times(self, rows: Sequence[EpochRow]) -> None:
        """Put the time columns of history.csv, which checkpoints do not carry, back into the rows of a checkpoint."""
        with contextlib.suppress(OSError, ValueError, RunError):
            for row, kept in zip(rows, read_history(self.history), strict=False):
                row |= {name: value for name, value in kept.items() if name.endswith("_seconds") and value is not None}

    def write_history(self, rows: Sequence[EpochRow]) -> None:
        """history.csv, one line an epoch, written anew so that no line ever doubles. Raises OSError."""
        columns = sorted(dict.fromkeys(key for row in rows for key in row), key=lambda key: key.endswith("_seconds"))
        write_csv(self.history, columns, rows)


def _record_of_call(recipe: Recipe, data: Store, fold: int | None, init: Path | None) -> RunRecord:
    """The record of a run that this call begins."""
    return RunRecord(
        casnet=__version__,
        python=platform.python_version(),
        packages=installed_versions(),
        host=platform.node(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
        command=sys.argv,
        seed=recipe.training.seed,
        data=str(data.path.resolve()),
        data_sha256=data.content_sha256,
        fold=fold,
        init=str(init.resolve()) if init else None,
        back_end=os.environ.get("KERAS_BACKEND", "tensorflow"),
        continued=[],
    )


def _continued(earlier: RunRecord | None, now: RunRecord, step: int, changes: list[str]) -> RunRecord:
    """The record of a run that the call of the record `now` goes on with."""
    call = {key: getattr(now, key) for key in ORIGIN if key != "init"}
    this = Continuation(after_step=step, changes=changes, **call)
    if earlier is None:
        return now.model_copy(update={"continued": [this]})
    kept = {key: getattr(earlier, key) for key in (*ORIGIN, "recipe", "logged") if key in earlier.model_fields_set}
    return now.model_copy(update=kept | {"continued": [*earlier.continued, this]})


def _copy(checkpoint: Path, target: Path) -> None:
    """Raises RunError."""
    try:
        write_whole(target, checkpoint.read_bytes())
    except OSError as error:
        raise RunError(f"{target}: cannot be written: {reason(error)}") from None


def installed_versions() -> dict[str, str | None]:
    """Versions of the packages that decide a result."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
