"""Damaged files and files of no known form beside pictures: each is named by the refusal."""

from pathlib import Path

import pytest
from helpers.photographs import image

from casnet_cli.data.layouts.recognition import recognize
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.errors import DataError

XML = "<annotations><meta></meta></annotations>"
CASES = {
    "ann.json": {
        "": "ann.json is there, and is empty",
        '{"images": [{"id"': "ann.json is there, and is not readable JSON: ",
        "[]": "is of no form that casnet knows (it is an empty JSON list)",
        "null": "is of no form that casnet knows (it is null)",
        '{"b": 1, "a": 2}': "is of no form that casnet knows (it holds a, b)",
        "[" * 100_000: "is not readable JSON: nested too deeply",
        "1" * 5000: "is not readable JSON: a number of more than 4,300 digits",
        '"\udcdf"': "is not readable JSON: not UTF-8 text (save it as UTF-8)",
    },
    "annotations.xml": {
        XML[:20]: "is not readable XML: ",
        XML: "annotations.xml is there, and lists no picture (expected <image>",
        f'<!DOCTYPE a [<!ENTITY b "c">]>{XML}': "declares an entity, 'b'",
        "<html></html>": "is not a CVAT file: its root is <html>",
    },
    "data.yaml": {
        "train: [": "data.yaml is there, and is not readable YAML: line",
        "train: images\n": "data.yaml is there, and lacks names",
    },
}


@pytest.mark.parametrize(("name", "content"), [(name, content) for name in CASES for content in CASES[name]])
def test_refusal_names_the_file(tmp_path: Path, name: str, content: str) -> None:
    image(tmp_path / "a.jpg")
    (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError) as error:
        recognize(Tree.of(tmp_path))
    assert CASES[name][content] in str(error.value)
    assert "1 picture" in str(error.value)


def test_others_are_counted_and_files_of_another_use_are_not_named(tmp_path: Path) -> None:
    image(tmp_path / "a.jpg")
    (tmp_path / "settings.yaml").write_text("rate: 1\n")
    with pytest.raises(DataError, match="masks \\(name them"):
        recognize(Tree.of(tmp_path))
    for name in "xyz":
        (tmp_path / f"{name}.json").write_text("{}")
    with pytest.raises(DataError, match="x.json is there, .* 2 further files of no known form"):
        recognize(Tree.of(tmp_path))
