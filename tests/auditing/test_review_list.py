"""The list of suspect regions: written, edited, and read again."""

import contextlib

import numpy as np
import pytest
from helpers.datasets import LABELS

from casnet_cli.auditing import review_list
from casnet_cli.auditing.label_errors import suspects
from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.errors import InputError


def test_the_list_can_be_edited_and_read_again(tmp_path) -> None:
    mask, label = np.zeros((60, 80), int), np.zeros((60, 80), int)
    label[10:30, 10:40], label[15:20, 15:20], label[40:50, 50:60] = 1, 0, 2
    p = np.full((3, *mask.shape), 0.05)
    np.put_along_axis(p, mask[None], 0.9, 0)
    found = suspects(p, label, mask, np.zeros(mask.shape))
    assert not found[0].inside.all()
    review_list.write(tmp_path, [LocatedSuspect("test", "a", one) for one in found], LABELS, "digest")
    regions = review_list.confirmed(tmp_path, "digest")
    review_list.check_unedited(tmp_path)
    assert list(regions) == [("test", "a")] and len(regions["test", "a"]) == 2
    for one, (rows, columns, inside) in zip(found, regions["test", "a"], strict=True):
        assert (rows, columns) == one.box
        np.testing.assert_array_equal(inside, one.inside)
    for (number, read), one in zip(review_list.read(tmp_path, LABELS, "digest").items(), found, strict=True):
        again = read.suspect
        assert (read.split, read.image, again.box, again.kind) == ("test", "a", one.box, one.kind)
        assert (again.label, again.proposal, again.pixels) == (one.label, one.proposal, one.pixels)
        assert again.score == pytest.approx(one.score, abs=1e-5) and int(number) >= 1
        np.testing.assert_array_equal(again.inside, one.inside)
    table = tmp_path / review_list.TABLE
    lines = table.read_text().splitlines()

    def edited(*rows: str, mark: str = "") -> dict:
        table.write_text(mark + "\n".join(rows) + "\n", encoding="utf-8")
        with pytest.raises(InputError, match="was edited"):
            review_list.check_unedited(tmp_path)
        return review_list.confirmed(tmp_path, "digest")

    assert len(edited(lines[0], lines[1].replace("1,yes", "1,no"), *lines[2:])["test", "a"]) == 1
    assert len(edited(*lines[:2], lines[1], mark="\ufeff")["test", "a"]) == 1  # named twice, saved by a spreadsheet
    assert len(edited("number;void", "2; Yes ")["test", "a"]) == 1
    assert edited("number,void", "1,unsure", "2,no") == {}
    for rows, wrong in (
        (["number,void", "1,maybe"], "number 1: void is 'maybe'"),
        (["number,void", "9,yes"], "number 9: no such region"),
        (["number,void", "x,yes"], "not readable"),
        (["number", "1"], "has no column 'void'"),
    ):
        with pytest.raises(InputError, match=wrong):
            edited(*rows)
    for row, wrong in (
        ("9,yes", "number 9: no such region"),
        ("1,yes,violet", "number 1: violet: no class of the data"),
        ("1", "number 1: "),
    ):
        table.write_text(f"number,void,label\n{row}\n")
        with pytest.raises(InputError, match=wrong):
            review_list.read(tmp_path, LABELS, "digest")
    with pytest.raises(InputError, match="a list of other data"):
        table.write_text("number,void\n1,yes\n")
        review_list.confirmed(tmp_path, "other")
    table.write_text("number,void\n1,yes\n2,yes\n")
    whole = (tmp_path / review_list.PIXELS).read_bytes()
    for place in range(0, len(whole), 7):
        (tmp_path / review_list.PIXELS).write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        with contextlib.suppress(InputError):
            review_list.confirmed(tmp_path, "digest")
        with pytest.raises(InputError, match="was edited"):
            review_list.check_unedited(tmp_path)
    (tmp_path / review_list.PIXELS).write_bytes(b"damaged")
    with pytest.raises(InputError, match="suspects.npz: not readable"):
        review_list.confirmed(tmp_path, "digest")
    table.unlink()
    with pytest.raises(InputError, match="not there yet"):
        review_list.confirmed(tmp_path, "digest")
