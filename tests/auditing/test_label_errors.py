"""Suspect regions in answers made by hand."""

import contextlib
import math

import numpy as np
import pytest
from helpers.datasets import LABELS

from casnet_cli.auditing import review_list
from casnet_cli.auditing.label_errors import BOUNDARY, OBJECT, Suspect, suspects, suspicion
from casnet_cli.auditing.review_list import LocatedSuspect
from casnet_cli.errors import InputError
from casnet_cli.labels import VOID


def answer(mask: np.ndarray, sure: float = 0.9) -> np.ndarray:
    """(3, H, W): `sure` for the class of the mask, the rest shared."""
    p = np.full((3, *mask.shape), (1 - sure) / 2)
    np.put_along_axis(p, mask[None], sure, 0)
    return p


def found_in(p: np.ndarray, label: np.ndarray, difficulty: np.ndarray) -> list[Suspect]:
    return suspects(p, label, p.argmax(axis=0), difficulty)


def test_suspicion_by_the_formula() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), (6, 7)).transpose(2, 0, 1)
    label = rng.integers(0, 4, (6, 7))
    label[0], p[label[1, 0], 1, 0] = VOID, 0
    found = suspicion(p, label)
    for row in range(6):
        for column in range(7):
            own = p[label[row, column], row, column] if row else 1
            assert found[row, column] == pytest.approx(-math.log(max(own, 0.0001)))


def test_regions_by_label_and_proposal_the_most_suspicious_first() -> None:
    mask, label = np.zeros((60, 80), int), np.zeros((60, 80), int)
    label[10:30, 10:40] = 1  # 600 pixels that the network calls 0
    label[40:50, 50:60] = 2  # 100 more
    label[5, 70] = 1  # less than a thousandth
    label[50:, 70:] = VOID
    difficulty = np.full(mask.shape, 0.1)
    first, second = found_in(answer(mask), label, difficulty)
    assert (first.label, first.proposal, first.x, first.y, first.pixels, first.kind) == (1, 0, 10, 10, 600, OBJECT)
    assert (second.label, second.proposal, second.pixels, second.kind) == (2, 0, 100, OBJECT)
    assert first.confidence == pytest.approx(0.95) and first.difficulty == pytest.approx(0.1)
    assert first.score == pytest.approx(-math.log(0.05) * (600 / 4800) ** 0.25)
    assert first.inside.all() and first.inside.shape == (20, 30)


def test_hard_or_unsure_pixels_are_not_suspect() -> None:
    mask, label = np.zeros((40, 40), int), np.ones((40, 40), int)
    assert len(found_in(answer(mask), label, np.full(mask.shape, 0.1))) == 1
    assert found_in(answer(mask), label, np.full(mask.shape, 0.6)) == []
    assert found_in(answer(mask, 0.6), label, np.full(mask.shape, 0.1)) == []
    assert found_in(answer(mask), mask, np.full(mask.shape, 0.1)) == []
    torn = np.full((20, 40, 40), 0.05)  # among so many classes even the most likely one is unlikely
    assert found_in(torn, np.zeros((40, 40), int), np.full(mask.shape, 0.1)) == []


def test_slivers_are_kept_apart() -> None:
    mask, label = np.zeros((100, 120), int), np.zeros((100, 120), int)
    label[20:23, 5:115] = 1  # three pixels thick: a boundary that runs elsewhere
    label[60:80, 5:25] = 1
    kinds = {one.y: one.kind for one in found_in(answer(mask), label, np.zeros(mask.shape))}
    assert kinds == {20: BOUNDARY, 60: OBJECT}


def test_the_list_can_be_edited_and_read_again(tmp_path) -> None:
    mask, label = np.zeros((60, 80), int), np.zeros((60, 80), int)
    label[10:30, 10:40], label[15:20, 15:20], label[40:50, 50:60] = 1, 0, 2
    found = found_in(answer(mask), label, np.zeros(mask.shape))
    assert not found[0].inside.all()
    review_list.write(tmp_path, [LocatedSuspect("test", "a", one) for one in found], LABELS, "digest")
    regions = review_list.confirmed(tmp_path, "digest")
    review_list.check_unedited(tmp_path)
    assert list(regions) == [("test", "a")] and len(regions["test", "a"]) == 2
    for one, (rows, columns, inside) in zip(found, regions["test", "a"], strict=True):
        assert (rows, columns) == one.box
        np.testing.assert_array_equal(inside, one.inside)
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
    for rows, wrong in (
        (["number,void", "1,maybe"], "number 1: void is 'maybe'"),
        (["number,void", "9,yes"], "number 9: no such region"),
        (["number,void", "x,yes"], "not readable"),
        (["number", "1"], "has no column 'void'"),
    ):
        with pytest.raises(InputError, match=wrong):
            edited(*rows)
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
