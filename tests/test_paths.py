import os
from pathlib import Path

import pytest

from casnet_cli import paths
from casnet_cli.errors import DataError


def test_hidden_files_and_links_that_lead_nowhere_are_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for age, name in enumerate(("old.h5", "own.h5", "._own.h5")):
        Path("data", name).touch()
        os.utime(Path("data", name), (age, age))
    Path("data/gone.h5").symlink_to("nowhere.h5")
    assert paths.newest_data() == Path("data/own.h5")
    for name in ("old", "own"):
        Path(f"data/{name}.h5").unlink()
    with pytest.raises(DataError, match="no prepared data set here"):
        paths.newest_data()
