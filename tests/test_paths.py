import os
from pathlib import Path

import pytest

from casnet_cli import paths
from casnet_cli.errors import DataError


def test_keras_has_a_folder_with_and_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    assert paths.keras_home() == tmp_path / ".keras"
    for home in ("/proc/1/fdinfo/none", "~"):  # as os.path.expanduser leaves it for a user without an entry
        monkeypatch.setattr(os.path, "expanduser", lambda path, home=home: path.replace("~", home))
        assert paths.keras_weights_folder() == tmp_path / "temporary" / f"keras-{os.getuid()}" / "models"
    monkeypatch.setenv("KERAS_HOME", "/elsewhere")
    assert paths.keras_weights_folder() == Path("/elsewhere/models")


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
