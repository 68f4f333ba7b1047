"""Labelling tools' own packages, each in a virtual environment of its own, as they exclude each other."""

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

TIMEOUT = 900
"""Seconds that an installation may take."""


def tool_python(*requirements: str) -> Path:
    """The interpreter of an environment with these pinned packages; made once in the folder for temporary files.

    Skips the test, naming what is missing, where they cannot be installed.
    """
    digest = hashlib.sha256(repr((sys.version_info[:2], requirements)).encode()).hexdigest()[:12]
    where = Path(os.environ.get("CASNET_TEST_TOOLS", tempfile.gettempdir()))
    folder = where / f"casnet-tool-{os.getuid()}-{digest}"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        found = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False, env=_clean())
        if found.returncode:
            pytest.skip(f"{', '.join(requirements)} cannot be installed: {found.stderr.strip().splitlines()[-1]}")
        done.touch()
    return python


def run_tool(python: Path, program: str, *words: object) -> str:
    """What a program prints in a tool's environment. It fails the test if it fails."""
    found = subprocess.run(
        [python, "-c", program, *map(str, words)], capture_output=True, text=True, check=False, env=_clean()
    )
    assert found.returncode == 0, found.stderr[-3000:]
    return found.stdout


def _clean() -> dict[str, str]:
    """Without casnet's path, so that the tool finds its own packages alone."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
