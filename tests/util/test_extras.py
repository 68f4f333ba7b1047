"""Extras are named by the packages that they bring."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from casnet_cli.util.extras import install

EXTRAS = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_the_packages_of_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f'{text}; extra == "{name}"' for name, texts in EXTRAS.items() for text in texts]
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy>=2", *lines])
    assert install("video") == "pip install av" and install("heif") == "pip install pillow-heif"
    assert install("onnx") == "pip install onnxruntime onnx tf2onnx"
    assert install("nothing") == "pip install '.[nothing]' in the folder of casnet's sources"


def test_without_an_installed_casnet(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    assert install("geo") == "pip install '.[geo]' in the folder of casnet's sources"
