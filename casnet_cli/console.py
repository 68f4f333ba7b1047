"""What the user sees: results on stdout, progress and messages on stderr. Only this module imports rich."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from casnet_cli.errors import InputError, reason
from casnet_cli.util.files import write_whole
from casnet_cli.util.text import duration


class _Output(Console):
    """Stdout. A reader that closes the pipe early (`casnet info … | head -1`) is no failure."""

    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


out = _Output(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_level = {"quiet": False, "verbose": False}


def configure(quiet: bool = False, verbose: bool = False) -> None:
    """quiet: only errors and results are shown. verbose: details are shown too."""
    _level.update(quiet=quiet, verbose=verbose)


def message(text: str) -> None:
    """Show what happens, on stderr; not with --quiet."""
    if not _level["quiet"]:
        err.print(_printable(text))


def notes(texts: Iterable[str]) -> None:
    """Show what was decided or left out, on stderr, a line each; not with --quiet."""
    for text in texts:
        message(f"note: {text}")


def detail(text: str) -> None:
    """Show a detail on stderr, only with --verbose."""
    if _level["verbose"]:
        err.print(_printable(text), style="dim")


def error(fault: str) -> None:
    """Show a fault on stderr, in one line."""
    err.print(f"[bold red]error:[/] {_printable(' '.join(fault.splitlines()))}")


def result(text: str) -> None:
    """Show a line of the command's result on stdout."""
    out.print(_printable(text))


def finding(severity: str, text: str) -> None:
    """Show a finding of `casnet check` on stdout: an error, a warning or a note."""
    color = {"error": "bold red", "warning": "yellow"}.get(severity, "blue")
    out.print(f"[{color}]{severity:8}[/] {_printable(text)}")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Show a table on stdout; the first column is text, the others are numbers."""
    drawn = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        drawn.add_column(column, justify="left" if index == 0 else "right", no_wrap=index > 0)
    for row in rows:
        drawn.add_row(*(_printable(cell) for cell in row))
    out.print(drawn)


def write_json(content: Mapping[str, object], file: str) -> None:
    """Write a command's result for a program, whole or not at all; `-` is stdout.

    Bytes of names that are no UTF-8 become escapes. Raises InputError.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
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
    """Without rich's markup, and with bytes of file names that are no UTF-8 as escapes."""
    return escape(text.encode("utf-8", "backslashreplace").decode())


class Bar:
    """Progress of one task: a bar on a terminal, at most about ten plain lines elsewhere."""

    def __init__(self, title: str, progress: Progress | None):
        self.title, self.progress, self._shown = title, progress, -1.0
        self.task = progress.add_task(title, total=None, note="") if progress else None

    def update(self, done: float, total: float | None, note: str = "", left: float | None = None) -> None:
        """left: seconds to the end, for the plain lines; a bar on a terminal computes its own."""
        if self.progress and self.task is not None:
            self.progress.update(self.task, completed=done, total=total, note=escape(note))
            return
        if total and done / total < self._shown:  # the next step of the same task
            self._shown = -1.0
        if total and (done >= total or done / total >= self._shown + 0.1) and self._shown < 1:
            self._shown = done / total
            remaining = f"  {duration(left)} left" if left else ""
            message(f"{self.title}: {done:g}/{total:g} {note}{remaining}".rstrip())


@contextmanager
def bar(title: str) -> Iterator[Bar]:
    """Shows progress on stderr for as long as the block runs."""
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
