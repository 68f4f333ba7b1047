"""The reader of SIFT Flow, on tiny files in the official layout."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from helpers.raw_data import fails, listing, write_image

from casnet_cli.data.sources import sift_flow

SCENES = "spatial_envelope_256x256_static_8outdoorcategories"


def write_sift(folder: Path, matrices: dict[str, np.ndarray], test_list: bytes) -> Path:
    for name, matrix in matrices.items():
        write_image(folder / "Images" / SCENES / f"{name}.jpg")
        file = folder / "SemanticLabels" / SCENES / f"{name}.mat"
        file.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(file, {"S": matrix, "names": np.array(["awning", "balcony"], dtype=object)})
    (folder / "Images" / SCENES / "._sea_a.jpg").write_bytes(b"a hidden twin from a Mac")
    (folder / "TestSet1.txt").write_bytes(test_list)
    return folder


@pytest.fixture
def sift(tmp_path):
    ids = np.arange(12, dtype=np.uint16).reshape(3, 4)
    listed = f"\ufeff{SCENES}\\tree_b.jpg  \r\n\r\n{SCENES}/coast_c.jpg".encode()
    return write_sift(tmp_path / "SiftFlowDataset", {"coast_c": ids, "sea_a": ids + 22.0, "tree_b": ids}, listed)


def test_sift_flow_lists_and_reads(sift):
    expected = [("train", f"{SCENES}/sea_a"), ("test", f"{SCENES}/coast_c"), ("test", f"{SCENES}/tree_b")]
    assert listing(sift_flow.SOURCE, sift) == listing(sift_flow.SOURCE, sift.parent) == expected
    train, test, _ = (entry.load() for entry in sift_flow.entries(sift))
    assert test.label.dtype == np.uint8
    np.testing.assert_array_equal(test.label, [[255, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10]])
    assert train.label.max() == 32
    assert train.image == (sift / "Images" / SCENES / "sea_a.jpg").read_bytes()


def test_sift_flow_names_what_is_missing(sift):
    (sift / "TestSet1.txt").write_text(f"{SCENES}\\gone.jpg\n")
    fails(lambda: sift_flow.entries(sift), "TestSet1.txt", f"{SCENES}/gone.jpg", "absent")
    (sift / "TestSet1.txt").write_text(" \n")
    fails(lambda: sift_flow.entries(sift), "TestSet1.txt", "no image")
    (sift / "TestSet1.txt").unlink()
    fails(lambda: sift_flow.entries(sift.parent), sift, "TestSet1.txt not found", "SemanticLabels/")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (
            {"S": np.array([[1, 1, 1, 33], [1, 1, 34, 1], [65535, 1, 1, 1]], np.uint16)},
            "row 1, column 2 holds 34 (expected 1",
        ),
        ({"T": np.ones((3, 4))}, "no variable S"),
        ({"S": np.full((3, 4), 1.5)}, "row 0, column 0 holds 1.5"),
        ({"S": np.full((3, 4), np.nan)}, "holds nan"),
        ({"S": np.ones((3, 4, 2))}, "no plane"),
        ({"S": "text"}, "no plane"),
        ({"S": np.ones((4, 3))}, "labels 3x4"),
        (b"", "not a readable MATLAB file"),
        (b"no matlab file at all" * 20, "not a readable MATLAB file"),
    ],
)
def test_sift_flow_names_a_foreign_label_file(sift, content, word):
    file = sift / "SemanticLabels" / SCENES / "sea_a.mat"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        scipy.io.savemat(file, content)
    fails(sift_flow.entries(sift)[0].load, file, word)


def test_sift_flow_survives_a_label_file_cut_anywhere(sift):
    file = sift / "SemanticLabels" / SCENES / "sea_a.mat"
    scipy.io.savemat(file, {"S": np.ones((3, 4), np.uint16)}, do_compression=True)
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        fails(sift_flow.entries(sift)[0].load, file)
