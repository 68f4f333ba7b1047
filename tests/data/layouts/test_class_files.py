"""Masks of one class each: which class they are of, and what lies on top."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casnet_cli.data.classes.class_table import ClassTable
from casnet_cli.data.layouts.class_files import label_of_parts
from casnet_cli.data.remarks import Remarks
from casnet_cli.errors import Unfit
from casnet_cli.labels import VOID, with_colors


def parts(folder: Path, **columns: slice) -> list[tuple[str, Path]]:
    found = []
    for name, place in columns.items():
        values = np.zeros((1, 6), np.uint8)
        values[:, place] = 255
        Image.fromarray(values).save(folder / f"{name}.png")
        found.append((name, folder / f"{name}.png"))
    return found


def test_names_count_as_in_annotations_and_later_classes_lie_on_top(tmp_path: Path) -> None:
    table = ClassTable(with_colors(("background", "road", "car")), names={"Car": 2, "blurred": VOID})
    given = parts(tmp_path, Car=slice(1, 3), blurred=slice(5, 6), road=slice(2, 6))
    assert label_of_parts(given, table, None, Remarks()).tolist() == [[0, 2, 2, 1, 1, VOID]]


def test_a_name_that_nothing_claims_is_an_error_or_void(tmp_path: Path) -> None:
    given = parts(tmp_path, car=slice(1, 3), tree=slice(2, 4))
    names = with_colors(("background", "car"))
    with pytest.raises(Unfit, match=r"tree.png: 'tree' is no class of the table \(background, car\)"):
        label_of_parts(given, ClassTable(names), None, Remarks())
    remarks = Remarks()
    found = label_of_parts(given, ClassTable(names, rest=True), None, remarks)
    assert found.tolist() == [[0, 1, VOID, VOID, 0, 0]]
    line = "1 file: 2 pixels (33.3 %) of 'tree', which no class claims, taken for void"
    assert [one.line for one in remarks.all()] == [line]
