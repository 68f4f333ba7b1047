"""Words come out of a shell as they went in."""

import subprocess
from pathlib import Path

import pytest

from casnet_cli.util.shell import typed

WORDS = [
    "plain-1.h5",
    "my data",
    "it's",
    '"',
    "$HOME",
    "a;b",
    "*",
    "~",
    "",
    "ü ä",
    "`x`",
    "#",
    "a\nb",
    "\\",
    "[a]",
    "{b}",
]


def test_a_shell_takes_them_as_they_are() -> None:
    command = f"printf '%s\\0' {typed(*WORDS)}"
    shown = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout.decode()
    assert shown.split("\0")[:-1] == WORDS


@pytest.mark.parametrize("word", ["data/my-set_1.h5", Path("runs/a"), 3, "a=b", "train=x.json"])
def test_plain_words_stay_plain(word: object) -> None:
    assert typed(word) == str(word)
