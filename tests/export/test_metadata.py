"""The description inside an exported file: what is not casnet's, is damaged or is of a newer version is one line."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from casnet_cli.errors import RunError
from casnet_cli.export.metadata import FORMAT, INSIDE, OUTPUTS, VERSION, WHOLE, of_litert, of_onnx

GOOD = {"format": FORMAT, "version": VERSION, "checkpoint_sha256": "a", "size": None, "outputs": OUTPUTS}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "not a model exported by casnet"),
        ({"version": VERSION + 1}, "exported by a newer casnet"),
        ({"version": "1"}, "damaged: version should be a valid integer"),
        ({"size": [0, 5]}, "damaged: size.0 should be greater than or equal to 1"),
        ({"size": [5]}, "damaged: size is wrong: List should have at least 2 items"),
        ({"outputs": ["mask"]}, "damaged: outputs should be"),
        ({"checkpoint_sha256": None}, "damaged: checkpoint_sha256 should be a valid string"),
    ],
)
def test_descriptions_that_are_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    text = json.dumps(GOOD | change)
    file = tmp_path / "model.tflite"
    file.write_bytes(b"TFL3")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(INSIDE, text)
    for read in (lambda: of_onnx({WHOLE: text}, file), lambda: of_litert(file)):
        with pytest.raises(RunError, match=f"model.tflite: {words}"):
            read()


def test_archives_that_are_damaged_or_grow(tmp_path: Path) -> None:
    file, stream = tmp_path / "model.tflite", io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(INSIDE, json.dumps(GOOD) + " " * (1 << 25))
    whole = stream.getvalue()
    place = whole.index(INSIDE.encode()) + len(INSIDE)
    for content in (whole, b"", b"PK", whole[:place] + b"\xff" * 40 + whole[place + 40 :], whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(RunError, match="not a model exported by casnet"):
            of_litert(file)
    with pytest.raises(RunError, match="not a model exported by casnet"):
        of_onnx({}, file)
    with pytest.raises(RunError, match="not a model exported by casnet"):
        of_onnx({WHOLE: "[" * 100_000}, file)
