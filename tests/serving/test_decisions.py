"""Decisions in a CSV file that others edit too."""

import os
import threading
from pathlib import Path

import pytest

from casnet_cli.errors import InputError
from casnet_cli.serving.decisions import Decision, DecisionTable, RowGone

VALUES = ("yes", "no", "unsure")
LIST = 'number,void,reviewed,note\n1,yes,,\n2,no,,"a, b"\n3,no,yes,\n'


def table(file: Path) -> DecisionTable:
    return DecisionTable(file, "number", "void", VALUES, "reviewed")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(LIST.encode())
    return path


def test_rows_say_what_they_held_and_whether_somebody_looked(file: Path) -> None:
    found = table(file).decisions()
    assert found == {"1": Decision("yes", False), "2": Decision("no", False), "3": Decision("no", True)}


def test_a_decision_changes_two_cells_alone(file: Path) -> None:
    table(file).decide("2", Decision("unsure", True))
    assert file.read_text() == LIST.replace('2,no,,"a, b"', '2,unsure,yes,"a, b"')
    table(file).decide("2", Decision("no", False))  # undone
    assert file.read_text() == LIST


def test_what_others_change_meanwhile_stays(file: Path) -> None:
    first, second = table(file), table(file)
    first.decide("1", Decision("no", True))
    text = file.read_text()
    for old, new in (("number,", "mine,number,"), ("\n1,", "\nx,1,"), ("\n2,", "\ny,2,"), ("\n3,no", "\nz,3,yes")):
        text = text.replace(old, new)
    file.write_text(text)
    second.decide("2", Decision("yes", True))
    first.decide("2", Decision("unsure", True))
    assert file.read_text().splitlines() == [
        "mine,number,void,reviewed,note",
        "x,1,no,yes,",
        'y,2,unsure,yes,"a, b"',
        "z,3,yes,yes,",
    ]


def test_a_row_that_is_gone_is_named_and_nothing_is_written(file: Path) -> None:
    before = file.stat().st_mtime_ns
    with pytest.raises(RowGone, match=r"list\.csv: has no row 7 any more"):
        table(file).decide("7", Decision("yes", True))
    assert file.stat().st_mtime_ns == before


def test_lists_of_spreadsheets_stay_as_these_write_them(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes('\ufeffnumber;void;note\r\n1; YES ;"Käse; 1"\r\n2;no;\r\n'.encode())
    assert table(path).decisions()["1"] == Decision("yes", False)
    table(path).decide("2", Decision("yes", True))
    assert path.read_bytes() == '\ufeffnumber;void;note;reviewed\r\n1; YES ;"Käse; 1";\r\n2;yes;;yes\r\n'.encode()


def test_a_missing_column_is_added(tmp_path: Path) -> None:
    path = tmp_path / "rank.csv"
    path.write_text("rank,file\n1,a.png\n2,b.png\n")
    own = DecisionTable(path, "file", "decision", ("label", "skip"))
    assert own.decisions() == {"a.png": Decision("", False), "b.png": Decision("", False)}
    own.decide("b.png", Decision("skip", True))
    assert path.read_text() == "rank,file,decision\n1,a.png,\n2,b.png,skip\n"
    assert own.decisions()["b.png"] == Decision("skip", True)


def test_a_link_is_followed(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(file)
    table(link).decide("1", Decision("no", True))
    assert link.is_symlink() and "1,no,yes" in file.read_text()


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "no table"),
        (b"rank,file\n1,a\n", "has no column number"),
        (b"number,void\n1,no,too,many\n", "a row has more than 2 cells: 1, no, too, many"),
        (b"number,void\n1,\xff\n", "not readable"),
        (b'number,void\n1,a\0\n2,"' + b"x" * 200_000, "no table"),
    ],
)
def test_what_is_no_list_is_named_and_left_alone(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        table(path).decide("1", Decision("yes", True))
    assert path.read_bytes() == content and os.listdir(tmp_path) == ["list.csv"]


def test_a_list_that_is_gone_or_cannot_be_written_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(target: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("casnet_cli.serving.decisions.write_whole", full)
        with pytest.raises(InputError, match="cannot be written: No space left on device"):
            table(file).decide("1", Decision("no", True))
    assert file.read_text() == LIST
    file.unlink()
    with pytest.raises(InputError, match="not readable: No such file"):
        table(file).decisions()


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("number,void\n" + "".join(f"{number},no\n" for number in range(60)))
    shared = table(path)
    deciders = [
        threading.Thread(target=lambda own=own: [shared.decide(str(number), Decision("yes", True)) for number in own])
        for own in (range(0, 60, 2), range(1, 60, 2))
    ]
    for decider in deciders:
        decider.start()
    for decider in deciders:
        decider.join()
    assert set(shared.decisions().values()) == {Decision("yes", True)}
