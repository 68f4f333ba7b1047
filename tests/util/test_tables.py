import csv
from pathlib import Path

import pytest

from casnet_cli.util.tables import csv_bytes, delimiter_of, write_csv


def test_a_written_table_reads_back_as_its_cells(tmp_path: Path):
    write_csv(tmp_path / "table.csv", ["name", "value"], [["a, b", 1], ['say "hä"', 0.5], ["one", None]])
    with open(tmp_path / "table.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["name", "value"],
            ["a, b", "1"],
            ['say "hä"', "0.5"],
            ["one", ""],
        ]
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_lines_end_with_a_line_feed_alone():
    assert csv_bytes(["a", "b"], [(1, 2), (3, 4)]) == b"a,b\n1,2\n3,4\n"


def test_the_delimiter_is_what_the_first_line_has_most_of():
    assert [delimiter_of(head) for head in ("a,b", "a;b", "a;b,c;d", "a")] == [",", ";", ";", ","]


def test_mappings_give_their_values_by_column():
    assert csv_bytes(["a", "b"], [{"b": 2, "a": 1, "other": 9}, {"b": 4}]) == b"a,b\n1,2\n,4\n"


def test_bytes_of_file_names_that_are_no_utf8_stand_as_escapes():
    name = b"bad\xff \xc3\xa4".decode("utf-8", "surrogateescape")
    assert csv_bytes(["file"], [[name]]) == b"file\nbad\\udcff \xc3\xa4\n"


def test_names_stay_in_their_line_and_act_on_nothing():
    assert csv_bytes(["a\nb"], [["\x1b[2J\n"], {"a\nb": "x\u202ey"}]) == b"a\\nb\n\\x1b[2J\\n\nx\\u202ey\n"
    assert csv_bytes(["a"], [["=1+1"], [-1]]) == b"a\n=1+1\n-1\n"


def test_a_row_that_fails_leaves_the_earlier_file(tmp_path: Path):
    def rows():
        yield [1]
        raise ValueError

    write_csv(tmp_path / "table.csv", ["a"], [[0]])
    with pytest.raises(ValueError):
        write_csv(tmp_path / "table.csv", ["a"], rows())
    assert (tmp_path / "table.csv").read_bytes() == b"a\n0\n"
    assert len(list(tmp_path.iterdir())) == 1
