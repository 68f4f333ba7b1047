"""Which trained run `--run` means, and the data that it was trained on."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from casnet_cli.data.intensities import Intensities
from casnet_cli.data.pixels.ranges import described
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, RunError
from casnet_cli.runs import locate
from casnet_cli.runs.checkpoint import Meta, read_meta
from casnet_cli.runs.held import HeldCheckpoint, hold
from casnet_cli.runs.json_record import read_record
from casnet_cli.runs.records import RunRecord
from casnet_cli.util.files import sha256_of


@dataclass(frozen=True)
class TrainedRun:
    """What `--run` means: a checkpoint, alone or in a run folder."""

    file: Path
    """The checkpoint, or an exported file."""
    meta: Meta
    """What the file holds beside weights."""
    folder: Path | None
    """The run folder around it; None: it lies elsewhere."""
    held: HeldCheckpoint | None = field(default=None, compare=False, repr=False)
    """The checkpoint in memory, so that nothing changes with the file; None: it is read when its weights are needed."""

    @property
    def sha256(self) -> str:
        """Digest of the file."""
        return self.held.sha256 if self.held else sha256_of(self.file)

    @property
    def title(self) -> str:
        """For the user: the folder or file, and the epoch."""
        return f"{self.folder or self.file} (epoch {self.meta.progress.epochs})"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user should know of the file, in sentences."""
        earlier = "written by an earlier casnet, without a digest, so that damage cannot be seen"
        return () if self.meta.checkable else (f"{self.file}: {earlier}",)


def find_run(run: Path | None) -> TrainedRun:
    """The run of a folder or a checkpoint, or the newest run. Raises RunError."""
    file = locate.checkpoint_of(run or locate.newest_run())
    return TrainedRun(file, read_meta(file), locate.run_of(file))


def open_run(run: Path | None) -> TrainedRun:
    """As `find_run`, with the weights in memory: what a training writes in their place later changes nothing."""
    held = hold(locate.checkpoint_of(run or locate.newest_run()))
    return TrainedRun(held.path, held.meta, locate.run_of(held.path), held)


def recorded_data(run: TrainedRun) -> Path:
    """The prepared file that a run was trained on. Raises DataError or RunError."""
    record = locate.RunLayout(run.folder).record if run.folder else None
    if record is None or not record.is_file():
        raise RunError(f"{run.file}: does not say where its data lie (name them by --data FILE)")
    try:
        data = Path(read_record(RunRecord, record).data)
    except RunError:
        raise RunError(f"{record}: damaged (name the data by --data FILE)") from None
    if not data.is_file():
        raise DataError(f"{data}: the data of {run.folder} are gone (name them by --data FILE)")
    return data


def open_run_data(run: TrainedRun, given: Path | None) -> Store:
    """The data set to use with a run: `given`, else the one it was trained on. Raises DataError or RunError."""
    given = given or recorded_data(run)
    store = Store(given)
    if store.labels.names != run.meta.labels.names:
        ours, theirs = run.meta.labels.names, store.labels.names
        raise RunError(
            f"{given}: its classes are not those of {run.file} "
            f"(the run has {len(ours)}: {', '.join(ours)}; the data {len(theirs)}: {', '.join(theirs)})"
        )
    check_alike(store, run.meta.intensities, str(run.file))
    return store


def check_alike(store: Store, trained: Intensities, run: str) -> None:
    """Raises RunError if the pictures of a data set are not those that a run was trained on: of another type, of other
    bands, of another range, or with another value for no data. run: its name in the error.
    """
    if _comparable(store.intensities) != _comparable(trained):
        ours, theirs = described(trained), described(store.intensities)
        raise RunError(
            f"{store.path}: its pictures are not as those of {run} (the run has {ours}; the data {theirs}; "
            "`casnet prepare … --range --bands --nodata` prepares them alike)"
        )


def _comparable(intensities: Intensities) -> str:
    """A text that is equal for pictures that a network sees alike, wherever in a file their bands lie."""
    return json.dumps(replace(intensities, chosen=None).record())
