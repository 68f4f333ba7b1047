"""A trained run that several files of tests share."""

from pathlib import Path

import numpy as np
import pytest
from helpers import tiny_backbone
from helpers.cli import BEST, casnet, tiny_settings
from helpers.datasets import blocks, write_blocks
from PIL import Image

from casnet_cli.runs.checkpoint import amend


@pytest.fixture(scope="module", autouse=True)
def _with_the_tiny_backbone(tiny: None) -> None:
    """These tests check commands, not networks."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/blocks-001, photos/ and photos/sub/ of three pictures each, and predictions/ of them."""
    home = tmp_path_factory.mktemp("home")
    write_blocks(home / "data" / "blocks.h5", {"train": 12, "val": 1, "test": 1})
    (home / "photos" / "sub").mkdir(parents=True)
    for seed in range(6):
        (home / "photos" / f"{'sub/' * (seed % 2)}{seed}.png").write_bytes(blocks(seed, 48 + 9 * (seed % 3)).image)
    with pytest.MonkeyPatch.context() as patch, tiny_backbone.known():
        patch.chdir(home)
        casnet("train", *tiny_settings("training.epochs=6", "evaluation.samples=0"))
        amend(home / BEST, {"temperature": 0.5, "easy": {"below": 1.0}})
        casnet("predict", "photos")
        mask = np.asarray(Image.open("predictions/0.png"))
    assert len(np.unique(mask)) > 1, "a network that predicts one class would hide mistakes"
    return home
