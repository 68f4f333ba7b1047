"""Files that are a public contract: read by their models, written to the byte as before, refused in one line."""

import json
from pathlib import Path

import pytest

from casnet_cli.errors import RunError
from casnet_cli.runs.json_record import Record, as_record, read_record
from casnet_cli.runs.records import RECORDS, ManifestLine, MeasurementRecord, RunRecord, SeriesOptions, SeriesSummary

RESULTS = Path(__file__).parents[2] / "docs" / "results"

RUN = {
    "casnet": "0.1.0",
    "python": "3.11.7",
    "packages": {"keras": "3.15.1", "jax": None},
    "host": "node",
    "machine": "x86_64, 2 cores",
    "command": ["casnet", "train", "\udce9.toml"],
    "seed": 0,
    "data": "/data/\udce9.h5",
    "data_sha256": "60",
    "fold": None,
    "init": None,
    "back_end": "tensorflow",
    "continued": [{"after_step": 6, "changes": ["training.epochs: 2 → 3"], "casnet": "0.1.0", "host": "other"}],
}


def models(model: type[Record]) -> set[type[Record]]:
    """A model and those of its parts."""
    found = {model}
    for field in model.model_fields.values():
        for part in [field.annotation, *_arguments(field.annotation)]:
            if isinstance(part, type) and issubclass(part, Record):
                found |= models(part)
    return found


def _arguments(kind: object) -> list[object]:
    direct = list(getattr(kind, "__args__", ()))
    return direct + [inner for each in direct for inner in _arguments(each)]


@pytest.mark.parametrize("name", RECORDS)
def test_every_key_of_every_file_is_documented(name: str) -> None:
    for model in models(RECORDS[name]):
        assert model.__doc__ and model.model_fields
        for key, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{key}"


def test_a_run_record_is_written_as_it_was_read_names_that_are_no_text_included(tmp_path: Path) -> None:
    text = json.dumps(RUN, indent=2) + "\n"
    (tmp_path / "run.json").write_text(text)
    record = read_record(RunRecord, tmp_path / "run.json")
    assert record.data == "/data/\udce9.h5" and record.continued[0].after_step == 6
    assert record.as_json() == text


@pytest.mark.parametrize("file", sorted(RESULTS.glob("**/test*.json")), ids=lambda file: str(file.relative_to(RESULTS)))
def test_measurements_of_every_age_are_read_and_written_to_the_byte(file: Path) -> None:
    assert read_record(MeasurementRecord, file).as_json() == file.read_text()


@pytest.mark.parametrize("name", ["ablate", "stanford-cv"])
def test_summaries_of_series_are_read_and_written_to_the_byte(name: str) -> None:
    kept = json.loads((RESULTS / name / "summary.json").read_text())
    whole = {"kind": kept["kind"], "recipe": kept["recipe"], "data": "data/x.h5"} | kept
    record = as_record(SeriesSummary, whole, Path("summary.json"))
    assert record.as_json() == json.dumps(whole, indent=2) + "\n"


def test_options_of_a_series_that_were_not_given_are_not_written() -> None:
    assert SeriesOptions().as_json() == "{}\n"
    options = SeriesOptions(init="runs/a").model_copy(update={"seeds": [0, 1], "fold": None})
    assert json.loads(options.as_json()) == {"init": "runs/a", "seeds": [0, 1], "fold": None}


def test_keys_of_a_newer_version_are_kept() -> None:
    record = as_record(RunRecord, RUN | {"weather": "fine"}, Path("run.json"))
    assert json.loads(record.as_json())["weather"] == "fine"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "run.json: not readable: .* \\(name it\\)$"),
        ("{bad", "run.json: not readable: .* \\(name it\\)$"),
        ("[]", "run.json: damaged: its content should be an object of keys and values \\(name it\\)$"),
        ("{}", "run.json: damaged: data is missing \\(name it\\)$"),
        ('{"data": 5}', "run.json: damaged: data should be a text \\(name it\\)$"),
        ('{"data": "x", "fold": "1"}', "run.json: damaged: fold should be a valid integer \\(name it\\)$"),
        ('{"data": "x", "continued": [{}]}', "run.json: damaged: continued.0.after_step is missing \\(name it\\)$"),
        ("[" * 100_000, "run.json: not readable: .* \\(name it\\)$"),
    ],
)
def test_what_is_no_record_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=message) as caught:
        read_record(RunRecord, tmp_path / "run.json", "name it")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run.json: not readable: No such file or directory$"):
        read_record(RunRecord, tmp_path / "run.json")


def test_a_line_of_the_manifest() -> None:
    line = {
        "file": "photos/\udce9.jpg", "status": "ok", "error": None, "width": 48, "height": 40, "mask": "e.png",
        "classes": {"red": 1.0}, "difficulty_mean": 0.1, "confidence_mean": None, "seconds": 1, "made_with": "f7",
        "input": "72", "outputs": [".png"], "time": 1795824918.972,
    }  # fmt: skip
    record = as_record(ManifestLine, line, Path("manifest.jsonl"))
    assert record.model_dump(exclude_unset=True) == line and (record.frames, record.call) == (0, 0)
    failed = dict.fromkeys(line) | {"file": "x", "status": "failed", "error": "no image", "time": 1.0}
    assert as_record(ManifestLine, failed, Path("manifest.jsonl")).error == "no image"
    with pytest.raises(RunError, match="manifest.jsonl: damaged: status should be 'ok' or 'failed'"):
        as_record(ManifestLine, line | {"status": "perhaps"}, Path("manifest.jsonl"))


BRANCH = dict.fromkeys(("pixel_accuracy", "class_accuracy", "mean_iou", "frequency_weighted_iou"), 0.5)
METRICS = BRANCH | {
    **{"data": "d", "data_sha256": "a", "split": "test", "tta": "none", "scale": 1.0, "images": 1},
    **{"checkpoint": "best.h5", "checkpoint_sha256": "b", "step": 3},
    "branches": {"coarse": None, "fine": None, "fused": BRANCH},
}
EXPORT = {
    **{"checkpoint_sha256": "a", "precision": "int8", "size": [64, 96], "file": "saved_model/a.pb"},
    **{"bytes": {"a": 1}, "proof": None},
}


@pytest.mark.parametrize(
    ("name", "good", "change", "words"),
    [
        ("metrics.json", METRICS, {"branches": {}}, "branches should have the key coarse"),
        ("metrics.json", METRICS, {"branches": {"coarse": None, "fine": None}}, "should have the key fused"),
        ("metrics.json", METRICS, {"mean_iou_ci95": [0.5]}, "mean_iou_ci95 is wrong: List should have at least 2"),
        ("run.json", RUN, {"data": "a\0b"}, "data should have no zero byte"),
        ("export.json", EXPORT, {"file": "../../other/model.onnx"}, "file should lie below its folder"),
        ("export.json", EXPORT, {"file": "/model.onnx"}, "file should lie below its folder"),
        ("export.json", EXPORT, {"size": [64]}, "size is wrong: List should have at least 2 items"),
        ("export.json", EXPORT, {"size": [64, 0]}, "size.1 should be greater than or equal to 1"),
    ],
)
def test_values_that_would_lead_astray_are_one_line(
    tmp_path: Path, name: str, good: dict[str, object], change: dict[str, object], words: str
) -> None:
    file = tmp_path / name
    assert as_record(RECORDS[name], good, file)
    file.write_text(json.dumps(good | change))
    with pytest.raises(RunError, match=f"{name}: damaged: .*{words}"):
        read_record(RECORDS[name], file)
