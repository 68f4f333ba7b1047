"""The readers of raw data sets, on tiny files in the official layouts."""

import io
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from casnet_cli.data import sources
from casnet_cli.data.preparation import check_complete
from casnet_cli.data.sources import camvid, sift_flow, stanford_background
from casnet_cli.data.sources.base import class_ids
from casnet_cli.errors import DataError

SCENES = "spatial_envelope_256x256_static_8outdoorcategories"


def write_image(file: Path, width: int = 4, height: int = 3) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (10, 200, 30)).save(file)


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


@pytest.fixture
def stanford(tmp_path):
    folder = tmp_path / "iccv09Data"
    for name in ("0000047", "0000051"):
        write_image(folder / "images" / f"{name}.jpg")
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{name}.regions.txt").write_text("0 1 2 3 \n4 5 6 7 \n-1 0 0 -1 \n")
        (folder / "labels" / f"{name}.layers.txt").write_text("9 9 9\n")
    return folder


@pytest.fixture
def street(tmp_path):
    folder = tmp_path / "camvid"
    ids = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for split, names in (("val", ("z.png",)), ("train", ("b.png", "a.jpg"))):
        for name in names:
            write_image(folder / split / name)
            target = folder / f"{split}annot" / f"{Path(name).stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(ids)
            if name == "a.jpg":
                picture.putpalette(camvid.LABELS.flat_palette())
            picture.save(target)
    return folder


def listing(source, root):
    return [(entry.split, entry.name) for entry in source.entries(root)]


def fails(action, *words):
    with pytest.raises(DataError) as caught:
        action()
    message = str(caught.value)
    assert message.isprintable()
    for word in words:
        assert str(word) in message


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


def test_stanford_lists_and_reads(stanford):
    expected = [("train", "0000047"), ("train", "0000051")]
    assert listing(stanford_background.SOURCE, stanford) == expected
    assert listing(stanford_background.SOURCE, stanford.parent) == expected
    label = stanford_background.entries(stanford)[0].load().label
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, [[0, 1, 2, 3], [4, 5, 6, 7], [255, 0, 0, 255]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0 0 0\n0 0 8 0\n0 0 0 0\n", ["row 1, column 2", "'8'", "-1"]),
        ("0 0 0 0\n0 0 0 -2\n", ["row 1, column 3", "'-2'"]),
        ("0 0 0 0\n0 0 0\n", ["row 1 has 3 pixels", "expected 4"]),
        ("\x00\x1b[31m<html>", ["row 0, column 0", "<html>"]),
        ("0 0.5 0 0", ["column 1", "'0.5'"]),
        ("", ["is empty"]),
        ("0 0 0\n0 0 0\n", ["labels 3x2", "has 4x3"]),
    ],
)
def test_stanford_names_the_first_fault(stanford, text, words):
    file = stanford / "labels" / "0000047.regions.txt"
    file.write_text(text)
    fails(stanford_background.entries(stanford)[0].load, file, *words)


def test_camvid_lists_and_reads(street):
    expected = [("train", "a"), ("train", "b"), ("val", "z")]
    assert listing(camvid.SOURCE, street) == listing(camvid.SOURCE, street.parent) == expected
    street.rename(street.with_name("CamVid"))
    assert listing(camvid.SOURCE, street.parent) == expected
    for entry in camvid.entries(street.parent):
        label = entry.load().label
        assert label.dtype == np.uint8
        np.testing.assert_array_equal(label.ravel(), [*range(11), 255])


def test_camvid_names_foreign_pixels(street):
    file = street / "trainannot" / "a.png"
    ids = np.zeros((3, 4), np.uint8)
    ids[2, 1] = 12
    Image.fromarray(ids).save(file)
    load = camvid.entries(street)[0].load
    fails(load, file, "row 2, column 1 holds 12", "no class claims")
    Image.new("RGB", (4, 3), (1, 2, 3)).save(file)
    fails(load, file, "colour picture")
    Image.new("CMYK", (4, 3)).save(file, "TIFF")
    fails(load, file, "mode CMYK")
    noise = np.random.default_rng(0).integers(0, 12, (300, 400), np.uint8)
    Image.fromarray(noise).save(file)
    whole = file.read_bytes()
    for length in (0, 20, 50, len(whole) // 2, len(whole) - 100):
        file.write_bytes(whole[:length])
        fails(load, file, "not a readable mask")


def test_camvid_names_files_without_a_partner(street):
    (street / "trainannot" / "a.png").rename(street / "trainannot" / "c.png")

    def lonely():
        check_complete(camvid.SOURCE, camvid.entries(street), street)

    fails(lonely, street / "train" / "a.jpg", "no label", "2 such")
    (street / "train" / "a.jpg").unlink()
    fails(lonely, street / "trainannot" / "c.png", "no image", "1 such")
    write_image(street / "train" / "b.jpg")
    fails(lambda: camvid.entries(street), "b.png", "b.jpg", "same name")


def test_camvid_names_a_missing_half(street):
    (street / "valannot").rename(street / "elsewhere")
    fails(lambda: camvid.entries(street), "valannot", "no such folder")
    (street / "valannot").mkdir()
    (street / "val" / "z.png").unlink()
    fails(lambda: camvid.entries(street), street / "val", "holds no image")
    (street / "valannot").rmdir()
    for folder in ("train", "trainannot", "val"):
        (street / folder).rename(street / f"old_{folder}")
    fails(lambda: camvid.entries(street), "train, val, test", "expected camvid/")


@pytest.mark.parametrize("source", [sift_flow.SOURCE, stanford_background.SOURCE, camvid.SOURCE])
def test_a_foreign_root_is_named_with_the_layout(source, tmp_path):
    fails(lambda: source.entries(tmp_path), tmp_path, "not found (expected", source.folder)
    fails(lambda: source.entries(tmp_path / "gone"), "gone: no such folder", source.folder)


def test_an_image_that_is_none_is_named(stanford):
    file = stanford / "images" / "0000047.jpg"
    load = stanford_background.entries(stanford)[0].load
    file.write_text("no image")
    fails(load, file, "not a readable image")
    stream = io.BytesIO()
    Image.new("RGB", (4, 3)).save(stream, "GIF")
    file.write_bytes(stream.getvalue())
    fails(load, file, "expected JPEG or PNG")
    write_image(file, 3, 4)
    fails(load, file, "labels 4x3", "has 3x4")
    file.unlink()
    fails(load, file, "cannot be read")


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_class_ids_of_any_dtype(dtype):
    raw = np.array([[0, 1], [2, 0]], dtype)
    assert class_ids(raw, Path("x"), first=1, classes=2, void=0).tolist() == [[255, 0], [1, 255]]


@pytest.mark.parametrize(("name", "classes"), [("sift-flow", 33), ("stanford-background", 8), ("camvid", 11)])
def test_sources_are_found_by_name(name, classes):
    source = sources.find(name)
    assert source.name == name
    assert len(source.labels) == len(set(source.labels.palette)) == classes
    assert (0, 0, 0) not in source.labels.palette


def test_an_unknown_source_names_the_nearest():
    fails(lambda: sources.find("siftflow"), "siftflow", "did you mean sift-flow?", "stanford-background")
    fails(lambda: sources.find(""), "known: sift-flow")
