"""Which trained run `--run` means, and the data that it was trained on."""

import json
from dataclasses import dataclass
from pathlib import Path

from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, RunError
from casnet_cli.runs import locate
from casnet_cli.runs.checkpoint import Meta, read_meta


@dataclass(frozen=True)
class TrainedRun:
    """What `--run` means: a checkpoint file, its meta, and the run folder around it if there is one."""

    file: Path
    meta: Meta
    folder: Path | None

    @property
    def title(self) -> str:
        return f"{self.folder or self.file} (epoch {self.meta.progress.epochs})"


def find_run(run: Path | None) -> TrainedRun:
    """The checkpoint of `run`, or of the newest run. Raises RunError."""
    file = locate.checkpoint_of(run or locate.newest_run())
    folder = file.parents[1] if file.parent.name == "checkpoints" else None
    return TrainedRun(file, read_meta(file), folder)


def open_run_data(checkpoint: TrainedRun, given: Path | None) -> Store:
    """The data set to use with a run: `given`, else the one it was trained on. Raises DataError or RunError."""
    if given is None:
        about = checkpoint.folder / "run.json" if checkpoint.folder else None
        if about is None or not about.is_file():
            raise RunError(f"{checkpoint.file}: does not say where its data lie (name them by --data FILE)")
        try:
            given = Path(json.loads(about.read_text(encoding="utf-8"))["data"])
        except (OSError, ValueError, KeyError, TypeError):
            raise RunError(f"{about}: damaged (name the data by --data FILE)") from None
        if not given.is_file():
            raise DataError(f"{given}: the data of {checkpoint.folder} are gone (name them by --data FILE)")
    store = Store(given)
    if store.labels.names != checkpoint.meta.labels.names:
        ours, theirs = checkpoint.meta.labels.names, store.labels.names
        raise RunError(
            f"{given}: its classes are not those of {checkpoint.file} "
            f"(the run has {len(ours)}: {', '.join(ours)}; the data {len(theirs)}: {', '.join(theirs)})"
        )
    return store
