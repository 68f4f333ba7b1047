"""Extras are named by the packages that they bring."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from casnet_cli.util import extras
from casnet_cli.util.extras import install

EXTRAS = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def check_names() -> None:
    assert install("video") == "pip install av" and install("heif") == "pip install pillow-heif"
    assert install("wandb") == "pip install wandb" and install("mlflow") == "pip install mlflow"


@pytest.mark.parametrize("beside", [None, '[project]\nname = "another"', "[tool.poetry]", "[["])
def test_of_an_installed_casnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, beside: str | None) -> None:
    """beside: what another package has left in site-packages as its `pyproject.toml`."""
    if beside is not None:
        (tmp_path / "pyproject.toml").write_text(beside)
    lines = [f'{text}; extra == "{name}"' for name, texts in EXTRAS.items() for text in texts]
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy>=2", *lines])
    monkeypatch.setattr(extras, "SOURCES", tmp_path / "pyproject.toml")
    check_names()


def test_of_the_sources_whatever_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "SOURCES", Path(__file__).parents[2] / "pyproject.toml")
    monkeypatch.setattr(metadata, "requires", lambda name: [])
    check_names()


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_has_a_command(extra: str) -> None:
    assert install(extra).split()[:2] == ["pip", "install"] and len(install(extra).split()) > 2
