"""The page of `--help`: plain text, one line an option, with values in plain words."""

import inspect
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

Parameter = TyperArgument | TyperOption

WIDEST = 110
"""Columns of the page at most."""

LONGEST = 44
"""Characters of the words that an option takes, where they stand beside its name."""

KINDS = {"path": "PATH", "file": "FILE", "int": "NUMBER", "integer": "NUMBER", "float": "NUMBER", "str": "NAME"}
"""What stands for a value of each type whose option has no word of its own."""


class DocumentedCommand(TyperCommand):
    """A command whose `--help` is this page."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        _write(self, ctx, formatter)


class DocumentedGroup(TyperGroup):
    """A group of commands whose `--help` is this page, and which lists what each of them does."""

    command_class = DocumentedCommand

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        _write(self, ctx, formatter)


def placeholder(parameter: Parameter, context: typer.Context) -> str:
    """What stands for the value of an argument or option: `FILE`, `NUMBER`, `draw|skip`; empty: it takes none."""
    if getattr(parameter, "is_flag", False):
        return ""
    if parameter.metavar:
        return str(parameter.metavar)
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper() + "..." * (parameter.nargs != 1)
    if choices := _choices(parameter, context):
        return choices if len(choices) <= LONGEST else "KIND"
    kind = _kind(parameter, context)
    return KINDS.get(kind.lower().removesuffix(" range"), kind.upper())


def _kind(parameter: Parameter, context: typer.Context) -> str:
    """Its type: `path`, or `draw|skip`."""
    return re.sub(r"^<(?:list\[)?(.*?)\]?>$", r"\1", parameter.display_type_rich(ctx=context) or "")


def _choices(parameter: Parameter, context: typer.Context) -> str:
    """The words that it takes, such as `draw|skip`; empty: it is not of a few words."""
    kind = _kind(parameter, context)
    return kind if "|" in kind and not parameter.metavar else ""


def spelling(option: TyperOption, context: typer.Context) -> str:
    """How an option is typed: `--overlay / --no-overlay`, `--tile N`."""
    names = [", ".join(sorted(option.opts, key=len)), *option.secondary_opts[:1]]
    return " ".join(filter(None, (" / ".join(names), placeholder(option, context))))


def description(parameter: Parameter, context: typer.Context) -> str:
    """What it does, its limits, and what holds where it is not given."""
    limits, default, choices = _limits(parameter), parameter.default, _choices(parameter, context)
    notes = [limits] if limits else []
    if len(choices) > LONGEST:
        notes.append(", ".join(choices.split("|")))
    if parameter.required and parameter.param_type_name == "option":
        notes.append("required")
    plain = isinstance(default, str | int | float | PurePath) and not isinstance(default, bool) and default != ""
    if plain and parameter.show_default and not getattr(parameter, "is_flag", False):
        notes.append(f"default {default:g}" if isinstance(default, float) else f"default {default}")
    if getattr(parameter, "secondary_opts", ()) and default:
        notes.append(f"default {parameter.opts[0]}")
    text = str(parameter.help or "")
    return f"{text} ({'; '.join(notes)})" if notes else text


def usage(command: TyperCommand | TyperGroup, context: typer.Context) -> str:
    """What follows the command's name: `[OPTIONS] [RECIPE]`, or `COMMAND`."""
    if getattr(command, "commands", {}):
        return "[OPTIONS] [COMMAND]" if getattr(command, "invoke_without_command", False) else "COMMAND"
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    words = [placeholder(one, context) if one.required else f"[{placeholder(one, context)}]" for one in arguments]
    return " ".join(["[OPTIONS]", *words])


def _limits(parameter: Parameter) -> str:
    low, high = (getattr(parameter, name, None) for name in ("min", "max"))
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"{low} or more" if low is not None else f"at most {high}" if high is not None else ""


def _write(command: Any, context: Any, formatter: Any) -> None:
    formatter.write_usage(context.command_path, usage(command, context))
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        formatter.write_paragraph()
        formatter.write_text(" ".join(paragraph.split()))
    if command.epilog:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in command.epilog.splitlines()))
    for title, rows in _sections(command, context):
        with formatter.section(title):
            formatter.write_dl(rows, col_max=34)


def _sections(command: Any, context: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Titles, and what is listed below each: names with what they are."""
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    if arguments:
        yield "Arguments", [(placeholder(one, context), description(one, context)) for one in arguments]
    panels: dict[str, list[tuple[str, str]]] = {}
    for option in command.get_params(context):
        if option.param_type_name == "option" and not option.hidden:
            title = getattr(option, "rich_help_panel", None) or "Options"
            panels.setdefault(title, []).append((spelling(option, context), description(option, context)))
    yield from panels.items()
    if below := getattr(command, "commands", {}):
        yield "Commands", [(name, _first_sentence(one.help or "")) for name, one in below.items()]


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0]
