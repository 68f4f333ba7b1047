"""Texts of unknown origin for people."""

import json

import pytest

from casnet_cli.util.visible import few, quoted, visible, visible_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("straße_道路 [red]a[/] :smile:", "straße_道路 [red]a[/] :smile:"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31mred\x07\x9b", r"\x1b[31mred\x07\x9b"),
        ("photo\u202egnp.exe\u2066", r"photo\u202egnp.exe\u2066"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("caf\udce9.png", r"caf\udce9.png"),
        ("a\u3000b\xa0c", "a\u3000b\xa0c"),
    ],
)
def test_what_acts_on_a_terminal_is_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_json_says_the_same() -> None:
    content = {"a\nb\x1b\x7f\x9b": ["straße\u202e\u2028", "\udce9", 1]}
    shown = visible_json(json.dumps(content, indent=2, ensure_ascii=False))
    assert json.loads(shown) == content
    assert "straße" in shown and all(letter.isprintable() or letter == "\n" for letter in shown)


def test_values_are_short() -> None:
    assert quoted("a\n") == r"'a\n'" and quoted([1, 2.5]) == "[1, 2.5]"
    assert len(quoted("x" * 10_000)) == 80 and quoted(16**9000) == "a number of thousands of digits"


def test_few_faults() -> None:
    assert few([1, 2], str, "f") == ["1", "2"]
    assert few(range(1234), str, "f")[-2:] == ["9", "f: … and 1,224 more"]
