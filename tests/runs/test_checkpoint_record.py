"""Attributes of checkpoints that are not as they are written: each is one line that names file and fault."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.checkpoints import meta_after, write_checkpoint
from helpers.datasets import write_blocks

from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.errors import RunError
from casnet_cli.runs.checkpoint import Meta, attributes_of, meta_of, read_meta


@pytest.fixture(scope="module")
def meta(tmp_path_factory: pytest.TempPathFactory) -> Meta:
    data = write_blocks(tmp_path_factory.mktemp("data") / "blocks.h5", {"train": 3})
    return meta_after(Store(data), recipes.load(recipes.find("folder")), 2)


def with_keys(text: object, **keys: object) -> str:
    return json.dumps(json.loads(str(text)) | keys)


def test_numbers_stay_as_they_are_so_that_a_continued_run_writes_the_same_bytes(meta: Meta) -> None:
    calibration = {"temperature": 1, "images": 2, "difficulty": [0, 0.5], "selective": [[0.5, 1, 0.25]], "easy": None}
    attributes = attributes_of(meta) | {"calibration": json.dumps(calibration), "from a later casnet": 3}
    attributes["progress"] = with_keys(attributes["progress"], sums={"loss": float("nan"), "coarse": 1})
    found = attributes_of(meta_of(attributes, Path("best.h5")))
    assert found == {key: value for key, value in attributes.items() if key in found}
    assert found.keys() == attributes.keys() - {"from a later casnet"}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("format", ["a", "b"], "not a checkpoint of casnet"),
        ("version", [[0] * 9] * 9, "written by another casnet, of no version"),
        ("version", 99, "written by another casnet, version 99"),
        ("recipe", None, "recipe is missing"),
        ("recipe", 3, "recipe should be a valid string"),
        ("recipe", "no TOML", "its recipe"),
        ("recipe", "[" * 200_000, "its recipe"),
        ("classes", "sky", "classes should be a valid list"),
        ("classes", [1, 2, 3], "classes.0 should be a valid string"),
        ("classes", ["a", "a", "b"], "class names must differ"),
        ("classes", ["a", "b", "c" * 2_000], "classes.2 is wrong: String should have at most 1000 characters"),
        ("palette", 3, "palette should be a valid list"),
        ("palette", [[1, 2, 300]] * 3, "palette.0.2 should be less than or equal to 255"),
        ("palette", [[1.5, 2, 3]] * 3, "palette.0.0 should be a valid integer"),
        ("palette", [[1, 2]] * 3, "palette.0 is wrong: List should have at least 3 items"),
        ("palette", [[1, 2, 3]] * 4, "3 classes need as many colours"),
        ("data", "", "data is wrong: Invalid JSON"),
        ("data", b"\xff", "attribute data holds neither numbers nor texts"),
        ("data", "[]", "data should be an object"),
        ("data", '{"name": "a", "sha256": "b"}', "data.fold is missing"),
        ("data", '{"name": 3, "sha256": "b", "fold": null}', "data.name should be a valid string"),
        ("progress", "[" * 100_000, "progress is wrong: Invalid JSON: recursion limit"),
        ("progress", '{"step": ' + "9" * 5_000 + "}", "progress is wrong: Invalid JSON: number out of range"),
        ("progress", '{"step": -1, "sums": {}, "history": []}', "progress.step should be greater than or equal to 0"),
        ("progress", '{"step": true, "sums": {}, "history": []}', "progress.step should be a valid integer"),
        ("progress", '{"step": 1, "sums": {}, "history": [{}]}', "progress.history should number its epochs"),
        ("progress", '{"step": 1, "sums": {}, "history": [{"epoch": NaN}]}', "should number its epochs"),
        ("progress", '{"step": 1, "sums": {"loss": "a"}, "history": []}', "progress.sums.loss.int should be a valid"),
        ("schedule", "null", "schedule should be an object"),
        ("schedule", '{"best": 0, "waited": 0.5}', "schedule.waited should be a valid integer"),
        ("schedule", '{"finished": "no"}', "schedule.finished should be a valid boolean"),
        ("calibration", '{"temperature": "warm"}', "calibration.temperature.int should be a valid integer"),
        ("calibration", '{"temperature": 0}', "calibration.temperature should be greater than 0"),
        ("calibration", '{"selective": [[1, 2]]}', "calibration.selective.0.2 is missing"),
        ("calibration", '{"easy": {"share": 1}}', "calibration.easy.below is missing"),
        ("intensities", '{"dtype": "object"}', "intensities.dtype is wrong"),
        ("intensities", '{"low": [0, 0, NaN]}', "intensities.low.2 should be a finite number"),
        ("intensities", '{"high": ["a", "b", "c"]}', "intensities.high.0.int should be a valid integer"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, meta: Meta, key: str, value: object, words: str) -> None:
    file = write_checkpoint(tmp_path / "best.h5", meta)
    with h5py.File(file, "r+") as opened:
        if key in opened.attrs:
            del opened.attrs[key]
        if value is not None:
            opened.attrs[key] = np.void(value) if isinstance(value, bytes) else value
    with pytest.raises(RunError) as raised:
        read_meta(file)
    (line,) = raised.value.faults
    assert line.startswith(f"{file}: ") and words in line and "\n" not in line and len(line) < 500
