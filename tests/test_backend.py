"""What Keras is kept from importing is there again afterwards."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from casnet_cli import backend


def test_libraries_are_left_out_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    with backend._left_out("tensorflow"), pytest.raises(ImportError):
        importlib.import_module("sklearn")
    assert "sklearn" not in sys.modules and importlib.util.find_spec("sklearn")


SETTINGS = (
    ('{"image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.5}', "channels_last float32 1e-07"),
    ('{"floatx": "float8"}', "keras.json: Invalid `floatx` configuration"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "shown"), SETTINGS)
def test_settings_of_keras_do_not_count(settings: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text(settings)
    code = (
        "from casnet_cli import backend\n"
        "try: k = backend.start().config; print(k.image_data_format(), k.floatx(), k.epsilon())\n"
        "except backend.BackendError as error: print(error)"
    )
    surroundings = {**os.environ, "KERAS_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=surroundings, check=True)
    assert shown in done.stdout and done.stdout.count("\n") == 1


def test_a_started_back_end_has_not_imported_them_and_they_still_import() -> None:
    code = (
        "import sys; from casnet_cli import backend; backend.start(); "
        "assert not {'sklearn', 'matplotlib.pyplot', 'jax'} & set(sys.modules), 'imported'; "
        "import sklearn, matplotlib.pyplot"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
