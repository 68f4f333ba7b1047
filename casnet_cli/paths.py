"""Folders of data, runs, recipes and weights."""

import os
from pathlib import Path

from casnet_cli.errors import DataError

DATA = Path("data")
RUNS = Path("runs")
PREDICTIONS = Path("predictions")


def recipes_folder() -> Path:
    """The shipped recipes: inside an installed wheel, else beside the package in a source tree."""
    packed = Path(__file__).parent / "recipes"
    return packed if packed.is_dir() else Path(__file__).parents[1] / "recipes"


def keras_home() -> Path:
    """Keras's own folder: KERAS_HOME, else `.keras` at home.

    A user of a container may have no home, or one that cannot be written: then a folder among the temporary files.
    """
    if given := os.environ.get("KERAS_HOME"):
        return Path(given)
    home = os.path.expanduser("~")  # stays as it is without HOME and an entry in /etc/passwd
    own = Path(home, ".keras")
    if os.path.isabs(home) and (os.path.isdir(own) or os.access(home, os.W_OK)):
        return own
    return Path(os.environ.get("TMPDIR", "/tmp"), f"keras-{os.getuid()}")


def keras_weights_folder() -> Path:
    """Where Keras keeps downloaded ImageNet weights."""
    return keras_home() / "models"


def newest_data(folder: Path = DATA) -> Path:
    """The most recently prepared data set. Raises DataError if there is none."""
    files = files_by_age(folder, "*.h5")
    if not files:
        raise DataError(
            f"{folder}/: no prepared data set here (run `casnet prepare DATASET` first, or name one by --data)"
        )
    return files[-1]


def existing_data(file: Path) -> Path:
    """The prepared data set itself. Raises DataError if there is no such file."""
    if not file.is_file():
        raise DataError(f"{file}: no such prepared data set (`casnet prepare DATASET` writes one)")
    return file


def files_by_age(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder that match, the newest last; hidden ones and broken links are left out."""
    found = (path for path in folder.glob(pattern) if path.is_file() and path.relative_to(folder).parts[0][0] != ".")
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)
