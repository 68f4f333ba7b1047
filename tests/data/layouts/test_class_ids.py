"""Lists of classes beside masks whose lines are damaged."""

from pathlib import Path

import pytest

from casnet_cli.data.layouts.class_ids import brought
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.errors import DataError


def test_a_damaged_line_of_colours_is_named(tmp_path: Path) -> None:
    (tmp_path / "label_colors.txt").write_text("xx\n1 2\n")
    with pytest.raises(DataError, match="label_colors.txt: line 2: '1 2' is no colour and name"):
        brought(Tree.of(tmp_path), [tmp_path / "a.png"], ("label_colors.txt",))
