"""The pages of `--help`: plain words, nothing cut, examples that can be typed."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from helpers.cli import casnet

from casnet_cli.cli import VERBS, app

COMMANDS = vars(typer.main.get_command(app))["commands"]


def leaves() -> Iterator[tuple[str, Any]]:
    for name, command in COMMANDS.items():
        inner = getattr(command, "commands", None)
        yield from ((f"{name} {below}", its) for below, its in inner.items()) if inner else [(name, command)]


LEAVES = dict(leaves())
every = pytest.mark.parametrize("name", LEAVES)


@every
@pytest.mark.parametrize("columns", [80, 120])
def test_nothing_is_cut_and_types_are_words(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    page = casnet(*name.split(), "--help")
    words = " ".join(page.split())
    assert max(map(len, page.splitlines())) <= columns and "…" not in page.replace(",…", "").replace(", …", "")
    for option in LEAVES[name].params:
        if option.param_type_name == "option":
            assert all(spelled in page for spelled in option.opts)
            assert " ".join((option.help or "").split()) in words
    assert not re.search(r"<\w+>|\[\[|\[required\]|╭", page)
    assert f"Examples:\n  casnet {name}" in page


@pytest.mark.parametrize("name", VERBS)
def test_every_command_has_examples_that_can_be_typed(name: str) -> None:
    examples = re.findall(r"^casnet (\S+) ?(.*)$", COMMANDS[name].epilog, re.MULTILINE)
    assert examples and all(verb == name for verb, _ in examples)
    for _, rest in examples:
        command, words = COMMANDS[name], shlex.split(rest.partition("<")[0])
        if words and words[0] in getattr(command, "commands", {}):
            command, words = command.commands[words[0]], words[1:]
        with command.make_context(name, words) as context:
            assert context.params or not command.params


def test_the_list_of_commands_gives_whole_sentences() -> None:
    page = " ".join(casnet("--help").split())
    assert "Label pictures: a mask, a difficulty map and an overlay for each, and a manifest." in page
    assert "COMMAND" in page and "casnet demo" not in page
