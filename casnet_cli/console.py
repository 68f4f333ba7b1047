"""What the user sees: results on stdout, progress and messages on stderr. The only importer of rich."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from casnet_cli.errors import InputError, reason
from casnet_cli.util.files import write_whole
from casnet_cli.util.text import duration


class _Output(Console):
    """Where results go. A reader that has seen enough (`casnet info … | head -1`) is no failure."""

    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


out = _Output(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_level = {"quiet": False, "verbose": False}


def configure(quiet: bool = False, verbose: bool = False) -> None:
    """quiet: errors and results only. verbose: details too."""
    _level.update(quiet=quiet, verbose=verbose)


def say(message: str) -> None:
    """A message for the person who waits."""
    if not _level["quiet"]:
        err.print(_printable(message))


def detail(message: str) -> None:
    """A message for the person who asked with --verbose."""
    if _level["verbose"]:
        err.print(_printable(message), style="dim")


def error(fault: str) -> None:
    err.print(f"[bold red]error:[/] {_printable(' '.join(fault.splitlines()))}")


def result(text: str) -> None:
    """A line of the answer itself."""
    out.print(_printable(text))


def flagged(severity: str, text: str) -> None:
    """A finding of the answer, an error, a warning or a note."""
    color = {"error": "bold red", "warning": "yellow"}.get(severity, "blue")
    out.print(f"[{color}]{severity:8}[/] {_printable(text)}")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Part of the answer; the first column is text, the others are figures."""
    drawn = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        drawn.add_column(column, justify="left" if index == 0 else "right", no_wrap=index > 0)
    for row in rows:
        drawn.add_row(*(_printable(cell) for cell in row))
    out.print(drawn)


def write_json(answer: Any, file: str) -> None:
    """The answer for a program, whole or not at all; `-` is stdout. Bytes of names that are no UTF-8 become escapes."""
    text = json.dumps(answer, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
    if file == "-":
        try:
            sys.stdout.write(text.decode())
            sys.stdout.flush()
        except BrokenPipeError:
            out.on_broken_pipe()
        return
    target = Path(file)
    try:
        if target.is_file() or not target.exists():
            write_whole(Path(os.path.realpath(target)), text)
        else:  # a device or a pipe
            target.write_bytes(text)
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {reason(error)}") from None


def _printable(text: str) -> str:
    """Markup neutralized, and bytes of file names that are no UTF-8 as escapes."""
    return escape(text.encode("utf-8", "backslashreplace").decode())


class Bar:
    """One line of progress: a bar on a terminal, at most about ten plain lines elsewhere."""

    def __init__(self, title: str, progress: Progress | None):
        self.title, self.progress, self.said = title, progress, -1.0
        self.task = progress.add_task(title, total=None, note="") if progress else None

    def update(self, done: float, total: float | None, note: str = "", left: float | None = None) -> None:
        """left: seconds to the end, for the plain lines; a bar on a terminal reckons for itself."""
        if self.progress and self.task is not None:
            self.progress.update(self.task, completed=done, total=total, note=escape(note))
        elif total and (done >= total or done / total >= self.said + 0.1) and self.said < 1:
            self.said = done / total
            remaining = f"  {duration(left)} left" if left else ""
            say(f"{self.title}: {done:g}/{total:g} {note}{remaining}".rstrip())


@contextmanager
def bar(title: str) -> Iterator[Bar]:
    """Progress on stderr for as long as the block runs."""
    if _level["quiet"] or not err.is_terminal:
        yield Bar(title, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        yield Bar(title, progress)
