"""Where runs lie: the newest one, the checkpoint of one, the name of the next."""

from pathlib import Path

from casnet_cli.errors import RunError, reason
from casnet_cli.paths import RUNS, files_by_age


def newest_begun(folder: Path = RUNS) -> Path | None:
    """The run folder that a training wrote to last, be it before its first checkpoint; None if there is none."""
    files = files_by_age(folder, "*/run.json") + files_by_age(folder, "*/checkpoints/last.h5")
    newest = max(files, key=lambda path: path.stat().st_mtime_ns, default=None)
    return folder / newest.relative_to(folder).parts[0] if newest else None


def newest_run(folder: Path = RUNS) -> Path:
    """The run folder whose checkpoint was written last. Raises RunError if no run has one."""
    checkpoints = files_by_age(folder, "*/checkpoints/best.h5")
    if not checkpoints:
        raise RunError(f"{folder}/: no run with a checkpoint here (run `casnet train` first, or name one by --run)")
    return checkpoints[-1].parents[1]


def checkpoint_of(run: Path) -> Path:
    """The file to load for `--run`: a checkpoint itself, or the best.h5 of a run folder. Raises RunError."""
    if run.suffix in (".onnx", ".tflite"):
        raise RunError(f"{run}: an exported file (a run folder or a checkpoint; predict alone takes exports)")
    if run.is_file():
        return run
    best = run / "checkpoints" / "best.h5"
    if best.is_file():
        return best
    if not run.exists():
        raise RunError(f"{run}: no such run (a run folder or a checkpoint file)")
    if inside := sorted(run.glob("*/checkpoints/best.h5")):
        raise RunError(f"{run}: a folder of runs (name one of them, such as {inside[0].parents[1]})")
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
