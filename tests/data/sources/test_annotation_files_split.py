"""Several annotation files whose names say no split."""

import pytest

from casnet_cli.data.sources.annotation_names import annotation_files
from casnet_cli.errors import InputError


def test_files_without_a_split_are_named_together() -> None:
    words = r"^2 files of annotations \(a.xml, b.xml\), and not every name says its split \(give one folder"
    with pytest.raises(InputError, match=words):
        annotation_files(["x/a.xml", "train/b.xml"])
