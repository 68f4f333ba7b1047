"""The run folder as the one process that trains it writes it."""

from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.errors import RunBusy
from casnet_cli.runs import checkpoint, locate
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.folder import RunFolder
from casnet_cli.runs.progress import Progress
from casnet_cli.workflows.train.plan import RunPlan, Start

if TYPE_CHECKING:
    from casnet_cli.training.train_state import TrainState


class RunWriter:
    """A run folder that this process alone may train, until `close` or the end of a `with` block."""

    def __init__(self, plan: RunPlan, start: Start, progress: Progress):
        """Make the folder, or take up that of a run that goes on, with its history as of `progress`.

        Raises RunBusy if another process trains the run, or has done so since its checkpoint was read; RunError if the
        folder cannot be written.
        """
        self.folder = RunFolder(start.run or locate.claim_run(plan.name))
        self._lock = self.folder.lock(console.once)
        try:
            self._check_unchanged(start.saved)
            self.folder.create(plan.recipe, plan.store, plan.fold, start.init, start.saved, plan.recipe_name)
            self.folder.recall_times(progress.history)
            self.folder.write_history(progress.history)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    def close(self) -> None:
        """Let other processes train the run."""
        self._lock.close()

    def _check_unchanged(self, saved: Meta | None) -> None:
        """Only now does nobody else train the run. saved: meta of its last checkpoint as it was read before."""
        found = self.folder.resumable()
        if (found and found.progress.timeless()) != (saved and saved.progress.timeless()):
            raise RunBusy(f"{self.path}: another process has just trained it (go on once more by --resume)")

    def save(self, state: "TrainState", meta: Meta, best: bool = False) -> None:
        """Write the last checkpoint, and if it is the best so far that one. Raises RunError."""
        best_file = self.folder.best if best else None
        checkpoint.save(self.folder.last, state.model, state.optimizer, meta, best_file)
