"""Where runs lie and what lies in them: the layout of a run folder, the newest run, the name of the next."""

from dataclasses import dataclass
from pathlib import Path

from casnet_cli.errors import RunError, reason
from casnet_cli.paths import RUNS, files_by_age

CHECKPOINTS = "checkpoints"
BEST, LAST, PREVIOUS = "best.h5", "last.h5", "previous.h5"
RECORD = "run.json"
SUMMARY = "summary.json"
"""Of the folder of a series: the runs of a crossval or an ablate."""
EXPORTS = "export"
REFUSED = "-refused"
"""Behind the name of an export's folder whose file is beyond its limits."""


@dataclass(frozen=True)
class RunLayout:
    """The files of a run folder, whether they are there or not."""

    path: Path
    """The run folder."""

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / CHECKPOINTS

    @property
    def best(self) -> Path:
        """Checkpoint with the best validation accuracy."""
        return self.checkpoints / BEST

    @property
    def last(self) -> Path:
        """Checkpoint that was written last."""
        return self.checkpoints / LAST

    @property
    def previous(self) -> Path:
        """The checkpoint before it."""
        return self.checkpoints / PREVIOUS

    @property
    def record(self) -> Path:
        """By what and from what the run was begun, a `RunRecord`."""
        return self.path / RECORD

    @property
    def recipe(self) -> Path:
        """The recipe, with every key."""
        return self.path / "recipe.toml"

    @property
    def history(self) -> Path:
        """A line of losses and metrics for each epoch."""
        return self.path / "history.csv"

    @property
    def log_file(self) -> Path:
        """What was shown at each epoch, and changes of the recipe."""
        return self.path / "log.txt"

    @property
    def samples(self) -> Path:
        """Folder of pictures of validation images."""
        return self.path / "samples"

    @property
    def exports(self) -> Path:
        """Folder of the exports."""
        return self.path / EXPORTS

    def export(self, name: str) -> Path:
        """Folder of one export, such as `onnx-float32`."""
        return self.exports / name


def run_of(checkpoint: Path) -> Path | None:
    """The run folder that a checkpoint lies in; None for a file elsewhere."""
    return checkpoint.parents[1] if checkpoint.parent.name == CHECKPOINTS else None


def run_of_export(file: Path) -> Path:
    """The run folder that the folder of an exported file would lie in."""
    return file.absolute().parent.parent.parent


def is_best(checkpoint: Path) -> bool:
    """Whether a checkpoint is named as the best of its run."""
    return checkpoint.name == BEST


def is_refused(export: Path) -> bool:
    """Whether the folder of an export is named as one whose file is beyond its limits."""
    return export.name.endswith(REFUSED)


def runs_with_best(folder: Path, names: str = "*") -> list[Path]:
    """The run folders in a folder, by name, that have a best checkpoint. names: a pattern of their names."""
    return [file.parents[1] for file in sorted(folder.glob(f"{names}/{CHECKPOINTS}/{BEST}"))]


def newest_begun(folder: Path = RUNS) -> Path | None:
    """The run folder that a training wrote to last, be it before its first checkpoint; None if there is none."""
    files = files_by_age(folder, f"*/{RECORD}") + files_by_age(folder, f"*/{CHECKPOINTS}/{LAST}")
    newest = max(files, key=lambda path: path.stat().st_mtime_ns, default=None)
    return folder / newest.relative_to(folder).parts[0] if newest else None


def newest_run(folder: Path = RUNS) -> Path:
    """The run folder whose best checkpoint was written last. Raises RunError if no run has one."""
    checkpoints = files_by_age(folder, f"*/{CHECKPOINTS}/{BEST}")
    if not checkpoints:
        raise RunError(f"{folder}/: no run with a checkpoint here (run `casnet train` first, or name one by --run)")
    return checkpoints[-1].parents[1]


def checkpoint_of(run: Path) -> Path:
    """The file to load for `--run`: a checkpoint itself, or the best one of a run folder. Raises RunError."""
    if run.suffix in (".onnx", ".tflite"):
        raise RunError(f"{run}: an exported file (a run folder or a checkpoint; predict alone takes exports)")
    if run.is_file():
        return run
    best = RunLayout(run).best
    if best.is_file():
        return best
    if not run.exists():
        raise RunError(f"{run}: no such run (a run folder or a checkpoint file)")
    if inside := runs_with_best(run):
        raise RunError(f"{run}: a folder of runs (name one of them, such as {inside[0]})")
    raise RunError(
        f"{run}: this run has no checkpoint yet ({best.relative_to(run)} is written at the first validation)"
    )


def claim_run(recipe_name: str, folder: Path = RUNS) -> Path:
    """Make and return the first free `runs/<recipe>-<NNN>`, so that no other process takes it. Raises RunError."""
    number = 1
    while True:
        run = folder / f"{recipe_name}-{number:03d}"
        try:
            run.mkdir(parents=True)
            return run
        except FileExistsError:
            number += 1
        except OSError as error:
            raise RunError(f"{run}: cannot be made: {reason(error)}") from None
