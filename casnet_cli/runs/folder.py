"""The run folder on disk: what `train` leaves in it, and how later commands find their checkpoint and data."""

import contextlib
import fcntl
import json
import os
import platform
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

from casnet_cli import __version__, recipe
from casnet_cli.data.store import Store
from casnet_cli.errors import RunBusy, RunError, reason
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import PREVIOUS, Meta, read_meta
from casnet_cli.runs.history import read_history
from casnet_cli.util.files import write_whole
from casnet_cli.util.tables import write_csv

ORIGIN = ("casnet", "python", "packages", "host", "machine", "command", "init", "back_end")
"""What run.json says of the call that began a run; of those that went on with it, `continued` does."""

PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "h5py", "grain", "pillow")


@dataclass(frozen=True)
class RunFolder:
    path: Path

    @property
    def last(self) -> Path:
        return self.path / "checkpoints" / "last.h5"

    @property
    def best(self) -> Path:
        return self.path / "checkpoints" / "best.h5"

    @property
    def newest(self) -> Path:
        """The checkpoint that says how far training has come: best.h5 says it as of its own epoch."""
        return self.last if self.last.is_file() else self.best

    def resumable(self) -> Meta | None:
        """The meta of last.h5, or None if the run has not begun. Raises RunError, naming a good earlier checkpoint."""
        if not self.last.exists():
            return None
        try:
            return read_meta(self.last)
        except RunError as error:
            for other in (self.last.with_name(PREVIOUS), self.best):
                if step := _step_of(other):
                    again = f"cp {shlex.quote(str(other))} {shlex.quote(str(self.last))}"
                    fault = f"{error.faults[0]} ({other.name}, after step {step}, is good: {again})"
                    raise RunError(fault) from None
            raise

    def recover(self) -> bool:
        """Put best.h5 in the place of a last.h5 that is not there, and say whether that was so. Raises RunError.

        A run killed at its first validation has left this, or somebody who removed the larger file.
        """
        if self.last.exists() or not self.best.is_file():
            return False
        try:
            write_whole(self.last, self.best.read_bytes())
        except OSError as error:
            raise RunError(f"{self.last}: cannot be written: {reason(error)}") from None
        return True

    def lock(self) -> TextIO:
        """A file that keeps other processes from training this run while it is open; it closes with the process.

        Raises RunError, of kind RunBusy if another one does.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            held = open(self.path / ".lock", "w")  # noqa: SIM115
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {reason(error)}") from None
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        except BlockingIOError:
            held.close()
            raise RunBusy(f"{self.path}: another process is training this run (wait for it, or stop it)") from None

    def create(
        self, chosen: Recipe, data: Store, fold: int | None, init: Path | None = None, begun: Meta | None = None
    ) -> None:
        """Make the folder with recipe.toml and run.json, or note in them that a run `begun` goes on.

        init: the checkpoint whose weights it begins with. Raises RunError if it cannot be written.
        """
        try:
            self.last.parent.mkdir(parents=True, exist_ok=True)
            (self.path / "samples").mkdir(exist_ok=True)
            for left in self.last.parent.glob("*.part"):
                left.unlink()  # by a kill
            write_whole(self.path / "recipe.toml", recipe.dumps(chosen))
            about: dict[str, Any] = {
                "casnet": __version__,
                "python": platform.python_version(),
                "packages": installed_versions(),
                "host": platform.node(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "command": sys.argv,
                "seed": chosen.training.seed,
                "data": str(data.path.resolve()),
                "data_sha256": data.content_sha256,
                "fold": fold,
                "init": str(init.resolve()) if init else None,
                "back_end": os.environ.get("KERAS_BACKEND", "tensorflow"),
                "continued": [],
            }
            step, changes = (begun.progress.step, recipe.differences(begun.recipe, chosen)) if begun else (0, [])
            if begun:
                this = {"after_step": step, "changes": changes} | {key: about[key] for key in ORIGIN if key != "init"}
                earlier = self._told()
                about |= {key: earlier[key] for key in ORIGIN if key in earlier}
                about["continued"] = [*earlier.get("continued", []), this]
            write_whole(self.path / "run.json", json.dumps(about, indent=2) + "\n")
            for change in changes:
                self.log(f"after step {step}: {change}")
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {reason(error)}") from None

    def wanted(self) -> dict[str, Any]:
        """What a run was begun with that ended before its first checkpoint: `recipe`, `data`, `fold`, `init`.

        Only those it says; none if there is no such run.
        """
        own = self.path / "recipe.toml"
        if not own.is_file():
            return {}
        told: dict[str, Any] = {"recipe": str(own)}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            about = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
            told |= {"data": Path(about["data"]), "fold": about["fold"]}
            told |= {"init": Path(about["init"])} if about["init"] else {}
        return told

    def _told(self) -> dict[str, Any]:
        """What run.json says; a damaged one is replaced."""
        try:
            found = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("continued"), list) else {}

    def log(self, line: str) -> None:
        with open(self.path / "log.txt", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def recall_times(self, rows: list[dict[str, Any]]) -> None:
        """Put the time columns of history.csv, which checkpoints do not carry, back into the rows of a checkpoint."""
        with contextlib.suppress(OSError, ValueError, RunError):
            for row, told in zip(rows, read_history(self.path / "history.csv"), strict=False):
                row |= {name: value for name, value in told.items() if name.endswith("_seconds") and value is not None}

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        """history.csv, one line an epoch, written anew so that no line ever doubles."""
        columns = sorted(dict.fromkeys(key for row in rows for key in row), key=lambda key: key.endswith("_seconds"))
        write_csv(self.path / "history.csv", columns, rows)


def _step_of(file: Path) -> int | None:
    """Steps done at a checkpoint, None if it is not whole."""
    try:
        return read_meta(file).progress.step
    except RunError:
        return None


def installed_versions() -> dict[str, str | None]:
    """Versions of the packages that decide a result."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
