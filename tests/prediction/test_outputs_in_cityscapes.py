"""The output folder as Cityscapes' own evaluator takes it: without maps of difficulty, masks in Cityscapes' ids."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from helpers.tool_environments import run_tool, tool_python
from PIL import Image

from casnet_cli.data.sources.cityscapes import CLASSES, LABELS
from casnet_cli.evaluation.confusion import confusion, metrics_of
from casnet_cli.labels import VOID
from casnet_cli.prediction.image_pipeline import predict_folder
from casnet_cli.prediction.inputs import find_images
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.mask_values import resolve_mask_values
from casnet_cli.prediction.outputs import Outputs

pytestmark = pytest.mark.slow

EVALUATOR = """
import glob, json, sys
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as evaluator

args = evaluator.args
args.predictionPath, args.quiet, args.JSONOutput, args.evalInstLevelScore = sys.argv[1], True, False, False
truth = sorted(glob.glob(sys.argv[2] + "/**/*_gtFine_labelIds.png", recursive=True))
found = evaluator.evaluateImgLists([evaluator.getPrediction(args, file) for file in truth], truth, args)
print(json.dumps({"classes": found["classScores"], "mean": found["averageScoreClasses"], "files": len(truth)}))
"""


def by_red(image: np.ndarray) -> dict[str, np.ndarray]:
    """The class is the red channel's value."""
    one = np.ones(image.shape[:2])
    return {"mask": image[..., 0].astype(np.int32), "difficulty": one / 4, "confidence": one / 2}


def test_its_iou_is_ours(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    matrix = np.zeros((len(LABELS), len(LABELS)), np.int64)
    ids = np.array([0] * 256)
    ids[: len(LABELS)] = [number for number, _ in CLASSES.values()]
    for frame in range(4):
        truth = rng.integers(0, len(LABELS), (16, 32)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
        predicted = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, len(LABELS), truth.shape))
        truth[rng.random(truth.shape) < 0.1] = VOID
        stem = f"bern_{frame:06d}_000019"
        for folder, name, pixels in (
            ("leftImg8bit", f"{stem}_leftImg8bit.png", np.repeat(predicted[..., None], 3, 2)),
            ("gtFine", f"{stem}_gtFine_labelIds.png", ids[truth]),
        ):
            (tmp_path / folder / "val/bern").mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / folder / "val/bern" / name)
        matrix += confusion(truth, predicted, len(LABELS))
    table = tmp_path / "ids.toml"
    table.write_text("".join(f'[[class]]\nname = "{name}"\nids = [{one}]\n' for name, (one, _) in CLASSES.items()))
    values = resolve_mask_values(str(table), LABELS, rejecting=False)
    outputs = Outputs(tmp_path / "out", LABELS, "run", difficulty=False, chosen_mask_values=values)
    with Manifest(outputs) as manifest:
        jobs = find_images([tmp_path / "leftImg8bit"], outputs.folder)
        assert len(list(predict_folder(FunctionPredictor(by_red), jobs, manifest))) == 4
    found = json.loads(
        run_tool(tool_python("cityscapesScripts==2.3.0"), EVALUATOR, outputs.folder, tmp_path / "gtFine").splitlines()[
            -1
        ]
    )
    ours = metrics_of(matrix)
    assert found["files"] == 4
    assert found["mean"] == pytest.approx(ours.mean_iou, abs=1e-12)
    assert [found["classes"][name] for name in LABELS.names] == pytest.approx(list(ours.iou), abs=1e-12)
