"""metrics.json: every key has a field in its model, and a file is read back only by the evaluation that wrote it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.datasets import FunctionPredictor
from helpers.segmentation import K, evaluation_outputs, regions

from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
from casnet_cli.evaluation.evaluator import Evaluation, evaluate, predict_samples
from casnet_cli.evaluation.measurement import METRICS_FILE, EvalProtocol, EvaluationKey
from casnet_cli.labels import with_colors
from casnet_cli.runs.json_record import Record
from casnet_cli.runs.measurement_record import MeasurementRecord, MetricsRecord
from casnet_cli.util.files import sha256_of

LABELS = with_colors(tuple("abcde"))
assert len(LABELS) == K


def evaluated(without: tuple[str, ...] = (), temperature: float | None = 2.0) -> Evaluation:
    """Three images; outputs whose names begin so are left out."""
    samples = [
        SimpleNamespace(name=str(seed), image=np.full((40, 53, 3), seed, np.uint8), label=regions(seed))
        for seed in range(3)
    ]

    def outputs(image: np.ndarray) -> dict[str, np.ndarray]:
        seed = int(image[0, 0, 0])
        found = evaluation_outputs(seed, regions(seed))
        return {key: x for key, x in found.items() if not key.startswith(without or ("nothing",))}

    detailed = DetailedMetrics(LABELS, temperature, attention=not without)
    return evaluate(predict_samples(FunctionPredictor(outputs), samples), LABELS, detailed)


def unknown_keys(record: Record, place: str = "") -> list[str]:
    """Keys without a field, in this record and all records inside."""
    found = [f"{place}{key}" for key in record.model_extra or {}]
    for name in type(record).model_fields:
        value = getattr(record, name)
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        for one in inside:
            found += unknown_keys(one, f"{place}{name}.") if isinstance(one, Record) else []
    return found


@pytest.mark.parametrize("without", [(), ("fine",), ("coarse", "fine")])
def test_every_key_has_a_field(without: tuple[str, ...]) -> None:
    metrics = evaluated(without).metrics()
    assert unknown_keys(metrics) == []
    assert set(MetricsRecord.model_fields) == metrics.model_fields_set
    assert (metrics.refine is None) == bool(without)
    assert unknown_keys(MetricsRecord.model_validate(metrics.model_dump(by_alias=True) | {"new": 1})) == ["new"]


def test_what_is_not_counted_is_left_out() -> None:
    scores = evaluate([], LABELS)
    assert "calibration" not in json.loads(scores.metrics().as_json())


def key(folder: Path, **changes: Any) -> EvaluationKey:
    """An evaluation of a checkpoint of two bytes."""
    (folder / "checkpoints").mkdir(exist_ok=True)
    file = folder / "checkpoints" / "best.h5"
    file.write_bytes(changes.pop("content", b"ab"))
    recipe = SimpleNamespace(evaluation=SimpleNamespace(scale=1.0))
    meta = SimpleNamespace(recipe=recipe, fold=None, data_sha256="digest", progress=SimpleNamespace(step=7))
    run: Any = SimpleNamespace(file=file, meta=meta, folder=folder, sha256=sha256_of(file))
    store: Any = SimpleNamespace(name="blocks", content_sha256="digest")
    own: dict[str, Any] = {"split": "test", "fold": None, "protocol": EvalProtocol(), "images": None} | changes
    return EvaluationKey(run, store, **own)


def test_a_file_is_read_back_by_the_evaluation_that_wrote_it(tmp_path: Path) -> None:
    own, metrics = key(tmp_path), evaluated().metrics()
    assert own.read() is None and own.folder == tmp_path / "eval" / "test"
    own.folder.mkdir(parents=True)
    content = own.identity.model_dump() | metrics.model_dump(by_alias=True)
    file = own.folder / METRICS_FILE
    file.write_text(json.dumps(content, indent=2) + "\n")
    assert own.read() == MeasurementRecord.model_validate(content)
    keys = list(json.loads(file.read_text()))
    assert keys[:12] == list(own.identity.model_dump()) and keys[12] == "pixel_accuracy"
    assert key(tmp_path, content=b"trained further").read() is None
    assert key(tmp_path, split="val").folder.name == "val"
    some = key(tmp_path, limit=5, listed_sha256="0123456789")
    assert some.read() is None and some.folder.name == "test-list-01234567-limit-5"
    (some.folder).mkdir()
    (some.folder / METRICS_FILE).write_text(file.read_text())
    assert some.read() is None, "a file of all images says nothing of some"
    assert key(tmp_path, protocol=EvalProtocol("flip", 1.5, 640)).folder.name == "test-flip-scale-1.5-tile-640"


@pytest.mark.parametrize("content", ["", "[1]", "{}", '{"images": 1}', "\x00"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, content: str) -> None:
    own = key(tmp_path)
    own.folder.mkdir(parents=True)
    (own.folder / METRICS_FILE).write_text(content)
    assert own.read() is None and own.per_image() is None
