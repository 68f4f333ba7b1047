"""What Keras is kept from importing is there again afterwards."""

import importlib
import subprocess
import sys

import pytest

from casnet_cli import backend


def test_libraries_are_left_out_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    with backend._left_out("tensorflow"), pytest.raises(ImportError):
        importlib.import_module("sklearn")
    assert "sklearn" not in sys.modules and importlib.util.find_spec("sklearn")


def test_a_started_back_end_has_not_imported_them_and_they_still_import() -> None:
    code = (
        "import sys; from casnet_cli import backend; backend.start(); "
        "assert not {'sklearn', 'matplotlib.pyplot', 'jax'} & set(sys.modules), 'imported'; "
        "import sklearn, matplotlib.pyplot"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
