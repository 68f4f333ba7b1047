"""`casnet prepare DIR` and `casnet check DIR`: names, missing masks, groups, and what is never overwritten."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import casnet, stderr_of
from helpers.photographs import TABLE, image, mask
from PIL import Image

from casnet_cli.data.images import decode_label
from casnet_cli.data.store import Store


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `my project` beside the current one: three pictures for train, one for val, and classes.toml."""
    folder = tmp_path / "my project"
    for place in ("train/1", "train/2", "train/3", "val/4"):
        split, name = place.split("/")
        image(folder / split / f"images/{name}.jpg")
        mask(folder / split / f"masks/{name}.png")
    (folder / "classes.toml").write_text(TABLE)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def test_a_folder_is_recognized_named_and_taken_by_both(project: Path) -> None:
    said = stderr_of("prepare", project)
    assert "pictures and masks in folders of their own: 4 pictures in train/images/ and val/images/" in said
    store = Store(Path("data/my-project.h5"))
    assert {split: sorted(names) for split, names in store.names.items()} == {
        "train": ["train/1", "train/2", "train/3"],
        "val": ["val/4"],
    }
    assert "3 train, 1 val, 2 classes" in casnet("check", project, code=1)
    assert "up to date" in stderr_of("prepare", project)


def test_an_archive_is_taken_as_its_folder(project: Path) -> None:
    shutil.make_archive("photos-2024", "zip", project)
    assert "photos-2024: 3 train, 1 val" in casnet("prepare", "photos-2024.zip")
    assert "up to date" in stderr_of("prepare", "photos-2024.zip")


def test_the_name_is_that_of_the_project(project: Path) -> None:
    words = ("--images", project / "train/images", "--masks", project / "train/masks")
    casnet("prepare", "folder", *words, "--classes", project / "classes.toml")
    assert Path("data/my-project.h5").is_file()
    casnet("prepare", project / "train", "--classes", project / "classes.toml")
    assert [file.name for file in Path("data").iterdir()] == ["my-project.h5"]
    moved = project.rename(project.with_name("camvid"))
    casnet("prepare", moved)
    assert Path("data/my-camvid.h5").is_file(), "never that of a known data set"


def test_data_of_another_source_are_never_overwritten(project: Path, tmp_path: Path) -> None:
    other = shutil.copytree(project, tmp_path / "elsewhere/my project")
    casnet("prepare", project)
    before = Path("data/my-project.h5").read_bytes()
    said = casnet("prepare", other, code=2)
    assert "data/my-project.h5: is there already, made from" in said and "--name my-project-2" in said
    assert Path("data/my-project.h5").read_bytes() == before
    casnet("prepare", other, "--name", "my-project-2")
    casnet("prepare", other, "--out", "data/my-project.h5")


def test_a_known_name_wins_and_a_path_is_a_folder(project: Path) -> None:
    shutil.copytree(project, "demo")
    assert "my-demo: 3 train, 1 val" in casnet("prepare", "./demo")
    assert "demo: " in casnet("prepare", "demo") and len(Store(Path("data/demo.h5")).labels) > 2
    assert "for one's own data" in casnet("prepare", "demo", "--masks", "demo", code=2)


def test_what_lacks_a_mask_is_counted_and_can_be_filled_or_left_out(project: Path) -> None:
    (project / "train/masks/2.png").rename(project / "train/masks/lbl.png")
    said = casnet("prepare", project, code=2)
    assert f"1 of 4 pictures has no mask, such as {project}/train/images/2.jpg" in said
    assert "train/masks lies 1 file like lbl.png that belongs to no picture" in said and "--missing background" in said
    assert "1 of 4 pictures has no mask" in casnet("check", project, code=1)
    assert "no class is called background (a, b; or void, skip)" in casnet(
        "prepare", project, "--missing", "background", code=2
    )
    assert "1 picture without mask left out" in stderr_of("prepare", project, "--missing", "skip")
    assert Store(Path("data/my-project.h5")).names["train"] == ["train/1", "train/3"]
    casnet("prepare", project, "--missing", "void")
    record = Store(Path("data/my-project.h5")).parts()["train"][1]
    assert record.name == "train/2" and set(np.unique(decode_label(record.label))) == {255}
    (project / "classes.toml").write_text(TABLE.replace('"b"', '"background"'))
    casnet("prepare", project, "--missing", "background")
    record = Store(Path("data/my-project.h5")).parts()["train"][1]
    assert np.asarray(decode_label(record.label)).shape == (4, 6) and set(np.unique(decode_label(record.label))) == {1}


def test_where_nothing_pairs_no_table_of_classes_is_required_first(project: Path) -> None:
    """Its answer is what there is, as with a table."""
    for place, file in enumerate(sorted(project.glob("*/masks/*"))):
        file.rename(file.with_name(f"lbl_{place + 7:04}.png"))
    (project / "classes.toml").unlink()
    output = casnet("prepare", project, code=2)
    assert "all 4 pictures have no mask" in output and "like lbl_0007.png that belong to no picture" in output
    (project / "none").mkdir()
    output = casnet("prepare", "folder", "--images", project / "train/images", "--masks", project / "none", code=2)
    assert f"in {project}/none lies no mask besides" in output and "--classes" not in output


def test_one_mask_a_class_needs_no_table(project: Path) -> None:
    square = np.zeros((4, 6), np.uint8)
    for name, rows in (("road", slice(0, 2)), ("car", slice(1, 3))):
        values = square.copy()
        values[rows] = 255
        for index in range(2):
            image(Path(f"set/{index}.jpg"))
            Image.fromarray(values).save(f"set/{index}_{name}.png")
    casnet("prepare", "set")
    store = Store(Path("data/set.h5"))
    assert store.labels.names == ("background", "car", "road")
    expected = np.repeat(np.array([[2], [2], [1], [0]]), 6, axis=1)
    np.testing.assert_array_equal(np.asarray(decode_label(store.parts(fraction=0.5)["train"][0].label)), expected)


def test_groups_stay_in_one_split(project: Path) -> None:
    for patient in "abcd":
        for number in range(3):
            image(Path(f"clinic/images/{patient}_{number}.jpg"))
            mask(Path(f"clinic/masks/{patient}_{number}.png"))
    words = ("prepare", "clinic", "--classes", project / "classes.toml", "--group-by", "{group}_*")
    assert "9 train, 3 val" in casnet(*words, "--val-fraction", "0.2")
    assert len({name[0] for name in Store(Path("data/clinic.h5")).names["val"]}) == 1
    assert "all images are of one group" in casnet(*words[:-1], r"_\d*()", code=2)


def test_groups_stay_in_one_fold_and_apart_from_validation(project: Path) -> None:
    for patient in "abcdefg":
        for number in range(3 if patient < "e" else 2):
            image(Path(f"clinic/images/{patient}_{number}.jpg"))
            mask(Path(f"clinic/masks/{patient}_{number}.png"))
    words = ("clinic", "--classes", project / "classes.toml", "--group-by", "{group}_*")
    assert "folds of 6, 7, 5 images: groups stay whole" in stderr_of("prepare", *words, "--folds", "3")
    store = Store(Path("data/clinic.h5"))
    members = []
    for fold in (1, 2, 3):
        parts = store.parts(fold)
        found = {split: {sample.name for sample in part} for split, part in parts.items()}
        assert sum(map(len, found.values())) == 18
        assert len({name[0] for name in found["val"]}) == 1
        assert not {name[0] for name in found["test"]} & {name[0] for name in found["train"] | found["val"]}
        assert not {name[0] for name in found["val"]} & {name[0] for name in found["train"]}
        members.append(found["test"])
    assert sorted(map(len, members)) == [5, 6, 7] and len(set.union(*members)) == 18
    assert "18 train in 3 folds" in casnet("check", *words, "--folds", "3", code=1)
    assert "--folds 8: 7 groups" in casnet("prepare", *words, "--folds", "8", code=2)
    casnet("prepare", *words)
    validation = Store(Path("data/clinic.h5")).parts()["val"]
    assert {sample.name[0] for sample in validation} == {validation[0].name[0]} and len(validation) in (2, 3)


def test_groups_that_sub_folders_part_are_refused(project: Path) -> None:
    image(project / "val/images/3.jpg")
    mask(project / "val/masks/3.png")
    said = casnet("prepare", project, "--group-by", r"/(\d)", code=2)
    assert "train/3 is in train and val/3 in val, of one group '3'" in said


def test_masks_without_a_table_are_named_with_their_evidence(project: Path) -> None:
    (project / "classes.toml").unlink()
    said = casnet("prepare", project, code=2)
    assert "4 masks in train/masks/ and val/masks/; masks need --classes FILE.toml" in said
    casnet("prepare", project, "--propose")
    assert "ids = [1]" in Path("classes.toml").read_text()
    casnet("prepare", project, "--classes", "classes.toml")


def test_proposed_names_are_those_of_a_list_near_the_masks(project: Path) -> None:
    (project / "classes.toml").unlink()
    (project / "class_dict.csv").write_text("id,name,r,g,b\n0,sky,1,2,3\n1,road,4,5,6\n")
    archive = shutil.make_archive("packed", "zip", project)
    for path, options in ((project, ()), (archive, ()), ("folder", ("--masks", project / "train"))):
        if path == "folder":
            shutil.rmtree(project / "train/images")
        said = stderr_of("prepare", path, *options, "--propose", "--classes", "new.toml")
        where = "class_dict.csv" if path == "folder" else f"{path}/class_dict.csv"
        assert f"{where}." in said and "Names by " in said and "unpacked" not in said + Path("new.toml").read_text()
        assert 'name = "road"    # 50.00 % of the pixels\nids = [1]\ncolor = [4, 5, 6]' in Path("new.toml").read_text()
        Path("new.toml").unlink()


def test_lists_in_the_folder_divide_it(project: Path) -> None:
    for index in range(3):
        image(Path(f"voc/JPEGImages/{index}.jpg"))
        mask(Path(f"voc/SegmentationClass/{index}.png"))
    Path("voc/ImageSets").mkdir()
    Path("voc/ImageSets/train.txt").write_text("0\n2\n")
    Path("voc/ImageSets/val.txt").write_text("1\n")
    shutil.copy(project / "classes.toml", "voc")
    assert "2 train, 1 val" in casnet("prepare", "voc")
