"""The project file: what it takes, and what it says of faults."""

import math
from pathlib import Path

import pytest

from casnet_cli.data.project import Project, read, text_of
from casnet_cli.errors import CasnetError


def faults(tmp_path: Path, content: str | bytes) -> list[str]:
    file = tmp_path / "casnet.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CasnetError) as caught:
        read(file)
    return [fault.removeprefix(f"{file}: ") for fault in caught.value.faults]


def test_every_fault_is_a_line_with_its_key(tmp_path: Path) -> None:
    assert faults(tmp_path, 'imges = "x"\nval_fraction = "a"\nmissing = "none"\nfolds = 1\nimages = 3\n') == [
        "images: should be a valid string (received 3)",
        "missing: should be 'background', 'void' or 'skip' (received 'none')",
        "val_fraction: should be a valid number (received 'a')",
        "folds: should be greater than or equal to 2 (received 1)",
        "unknown key imges (did you mean images?)",
    ]
    plain = "should be a plain name of letters, digits, '.', '_' and '-'"
    assert faults(tmp_path, "name = '../x'") == [f"name: {plain} (received '../x')"]
    assert faults(tmp_path, "annotations = 'a.json'") == ["annotations: should be a list (received 'a.json')"]
    assert faults(tmp_path, "split_files = ['a']") == ["split_files: too few values (received ('a',))"]
    assert faults(tmp_path, "nearest_color = 256\nthreshold = nan\nresize_masks = 1") == [
        "resize_masks: should be a valid boolean (received 1)",
        "nearest_color: should be less than or equal to 255 (received 256)",
        "threshold: should be a finite number (received nan)",
    ]


@pytest.mark.parametrize(
    "content", ["images =", b"\xff\xfe", "a = " + "[" * 9000, b"\x89PNG\r\n\x1a\n", "a = 1\na = 2"]
)
def test_what_is_no_toml_is_one_line(tmp_path: Path, content: str | bytes) -> None:
    (fault,) = faults(tmp_path, content)
    assert fault.startswith("not a readable TOML file: ") and "\n" not in fault


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CasnetError, match="--project .*other.toml: no such file"):
        read(tmp_path / "other.toml")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    values = {
        "images": 'a "b" \\ c\tü\x7f',
        "annotations": ("train=a.json", "val=b.json"),
        "split_files": ("t.txt", "-", "-"),
        "val_fraction": 0.0,
        "nodata": math.nan,
        "resize_masks": True,
        "threshold": 0,
    }
    file = tmp_path / "casnet.toml"
    file.write_text(text_of(values), encoding="utf-8")
    found = read(file).given()
    assert math.isnan(found.pop("nodata")) and math.isnan(values.pop("nodata"))  # type: ignore[arg-type]
    assert found == values
    file.write_bytes(b"\xef\xbb\xbf" + b"# of an editor that writes a mark\r\n")
    assert read(file) == Project() and not read(file).given()
