"""Where data, runs, recipes and weights lie."""

import os
from pathlib import Path

from casnet_cli.errors import DataError, RunError

DATA = Path("data")
RUNS = Path("runs")
PREDICTIONS = Path("predictions")


def recipes_folder() -> Path:
    """The shipped recipes: inside an installed wheel, else beside the package in a source tree."""
    packed = Path(__file__).parent / "recipes"
    return packed if packed.is_dir() else Path(__file__).parents[1] / "recipes"


def keras_weights_folder() -> Path:
    """Where Keras keeps downloaded ImageNet weights."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def newest_data(folder: Path = DATA) -> Path:
    """The most recently prepared data set. Raises DataError if there is none."""
    files = sorted(folder.glob("*.h5"), key=lambda file: file.stat().st_mtime_ns)
    if not files:
        raise DataError(
            f"{folder}/: no prepared data set here (run `casnet prepare DATASET` first, or name one by --data)"
        )
    return files[-1]


def newest_run(folder: Path = RUNS, file: str = "best.h5") -> Path:
    """The run folder whose checkpoint was written last. Raises RunError if no run has one."""
    checkpoints = sorted(folder.glob(f"*/checkpoints/{file}"), key=lambda path: path.stat().st_mtime_ns)
    if not checkpoints:
        raise RunError(f"{folder}/: no run with a checkpoint here (run `casnet train` first, or name one by --run)")
    return checkpoints[-1].parents[1]


def checkpoint_of(run: Path) -> Path:
    """The file to load for `--run`: a checkpoint itself, or the best.h5 of a run folder. Raises RunError."""
    if run.is_file():
        return run
    best = run / "checkpoints" / "best.h5"
    if best.is_file():
        return best
    if not run.exists():
        raise RunError(f"{run}: no such run (a run folder or a checkpoint file)")
    raise RunError(
        f"{run}: this run has no checkpoint yet ({best.relative_to(run)} is written at the first validation)"
    )


def next_run(recipe_name: str, folder: Path = RUNS) -> Path:
    """The first free `runs/<recipe>-<NNN>`."""
    taken = {path.name for path in folder.glob(f"{recipe_name}-*")}
    number = next(n for n in range(1, 100_000) if f"{recipe_name}-{n:03d}" not in taken)
    return folder / f"{recipe_name}-{number:03d}"
