"""Names and colours of proposed tables, from lists of classes that lie near the masks."""

from pathlib import Path

import numpy as np
from PIL import Image

from casnet_cli.data.classes import class_table
from casnet_cli.data.classes.class_lists import lists_near
from casnet_cli.data.classes.class_proposal import Proposal, propose
from casnet_cli.labels import VOID


def proposed(folder: Path, values: np.ndarray, **lists: str) -> tuple[Proposal, class_table.ClassTable]:
    """The table of a mask of these values, (H, W) or (H, W, 3), beside files of these stems and texts."""
    Image.fromarray(values.astype(np.uint8)).save(folder / "mask.png")
    for name, text in lists.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(text)
    found = propose([folder / "mask.png"], lists_near([folder / "mask.png"], folder))
    (folder / "table.toml").write_text(found.text)
    return found, class_table.load(folder / "table.toml")


AREAS = np.repeat(np.repeat([[0, 1, 3], [7, VOID, 0]], 20, axis=0), 20, axis=1)


def test_values_have_listed_names_and_others_stay_as_they_are(tmp_path: Path) -> None:
    text = 'Pixel Value, Class\n0, background\n1, Cow "Berta"\n2, rail track\n3, unlabeled'
    found, table = proposed(tmp_path, AREAS, _classes_csv=text)
    assert table.labels.names == ("background", 'Cow "Berta"', "rail track", "class 7")
    assert table.ids == {3: VOID, VOID: VOID, 0: 0, 1: 1, 2: 2, 7: 3}
    assert found.found == (f"Names by {tmp_path / '_classes.csv'}, for 3 of 4 values.",)
    assert 'rail track"    # 0.00 % of the pixels' in found.text


def test_a_listed_255_is_a_class(tmp_path: Path) -> None:
    _, table = proposed(tmp_path, AREAS, labels_txt="0: sky\n1: road\n3: car\n7: tree\n255: border")
    assert table.labels.names == ("sky", "road", "car", "tree", "border") and table.ids[VOID] == 4


def test_colours_have_listed_names_and_colours_of_ids_are_taken(tmp_path: Path) -> None:
    palette = np.zeros((256, 3), np.uint8)
    palette[1], palette[3], palette[7] = (128, 64, 128), (70, 130, 180), (9, 9, 9)
    text = "128 64 128 road\n70 130 180 sky\n1 2 3 moon\n0 0 0 Void\n"
    found, table = proposed(tmp_path, palette[AREAS], label_colors_txt=text)
    assert table.labels.names == ("moon", "#090909", "sky", "road")
    assert table.colors[0, 0, 0] == VOID and table.colors[128, 64, 128] == 3
    assert found.found == (f"Names by {tmp_path / 'label_colors.txt'}, for 3 of 4 values.",)
    (tmp_path / "label_colors.txt").unlink()
    colors = "name,r,g,b\n" + "".join(f"c{place},{place},9,9\n" for place in range(8))
    _, table = proposed(tmp_path, AREAS, class_dict_csv=colors)
    assert table.labels.names == tuple(f"c{place}" for place in range(8))
    assert table.labels.palette[3] == (3, 9, 9) and table.ids[7] == 7


def test_names_without_values_count_only_if_there_are_enough(tmp_path: Path) -> None:
    found, table = proposed(tmp_path, AREAS, classes_txt="sky\nroad\ncar\ntree\n")
    assert table.labels.names == ("class 0", "class 1", "class 3", "class 7")
    expected = f"{tmp_path / 'classes.txt'} has 4 names without values and masks hold 7 too: not taken."
    assert found.found == (expected,)


def test_a_list_that_contradicts_is_named(tmp_path: Path) -> None:
    found, table = proposed(
        tmp_path, AREAS, a_classes_txt="0: sky\n7: tree", b_classes_txt="7: bush", c_classes_txt="0: sky"
    )
    assert table.labels.names == ("sky", "class 1", "class 3", "tree")
    assert found.found == (
        f"Names by {tmp_path / 'a_classes.txt'}, for 2 of 4 values.",
        f"{tmp_path / 'b_classes.txt'} is not taken: 7 is 'bush', and 'tree' in {tmp_path / 'a_classes.txt'}.",
    )


def test_a_list_that_contradicts_in_a_colour_is_named(tmp_path: Path) -> None:
    found, _ = proposed(tmp_path, np.dstack([AREAS] * 3), a_classes_txt="1 1 1 sky", b_classes_txt="1 1 1 sea")
    assert found.found[1].endswith(f"is not taken: (1, 1, 1) is 'sea', and 'sky' in {tmp_path / 'a_classes.txt'}.")


def test_black_and_white_has_the_listed_names(tmp_path: Path) -> None:
    _, table = proposed(tmp_path, np.where(AREAS == 1, VOID, 0), labels_txt="0: sky\n255: crack")
    assert table.labels.names == ("sky", "crack") and table.ids == {0: 0, VOID: 1}
