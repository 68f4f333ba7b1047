"""The summary counts what became of the inputs."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.predictions import LABELS, label, picture

from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs
from casnet_cli.workflows.predict.summary import summarize

RUN: Any = SimpleNamespace(meta=SimpleNamespace(calibration={}))


@pytest.mark.parametrize("as_json", [False, True])
def test_masks_that_are_set_aside_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for seed in range(3):
        picture(seed).save(folder / f"{seed}.png")
    (folder / "never.png").write_text("broken")
    label(folder)
    (folder / "1.png").write_text("broken")
    label(folder)
    with Manifest(Outputs(out, LABELS, "run 1")) as manifest:
        assert summarize(find_images([folder], out), 2, manifest, RUN, "-" if as_json else None) == 2
    shown = capsys.readouterr()
    if as_json:
        found = json.loads(shown.out)
        assert {key: found[key] for key in ("labelled", "before", "failed", "stale")} == {
            "labelled": 0, "before": 2, "failed": 2, "stale": 1,
        }  # fmt: skip
    else:
        words = "0 labelled, 2 were done before, 2 failed (1 mask of earlier calls set aside as NAME.stale.png)"
        assert words in " ".join(shown.out.split())
    assert "2 inputs failed" in shown.err
