"""What the user sees: results on stdout, progress and messages on stderr. Only this module imports rich.

Names come from outside: nothing in a text is markup, and what acts on a terminal is shown as an escape.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from casnet_cli.errors import InputError, reason
from casnet_cli.util.files import check_replaceable, check_writable, write_whole
from casnet_cli.util.streams import lasting
from casnet_cli.util.text import duration
from casnet_cli.util.visible import visible, visible_json

if TYPE_CHECKING:
    from rich.progress import Progress, Task

LEAST_TEXT, GAP, UNLIMITED = 16, 3, 10_000
"""Columns of a table's first cell at least, between two cells, and of a table that goes into a pipe at most."""


class _Output(Console):
    """An output that outlives its reader (`casnet eval | head -1`): the work goes on, and what is left is dropped."""

    @property  # type: ignore[misc]  # rich can also set one
    def file(self) -> IO[str]:
        return cast(IO[str], lasting(super().file))


out = _Output(
    highlight=False,
    markup=False,
    emoji=False,
    soft_wrap=True,
    width=None if lasting(sys.stdout).isatty() else UNLIMITED,
)
err = _Output(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)

WIDEST, NARROWEST, LEAST_NOTE = 28, 10, 24
"""Columns of a bar at most and at least, and of a note for which a bar becomes narrower."""

LEAST_TIME = 0.5
"""Seconds after which the pieces of work in a second are known."""

_level = {"quiet": False, "verbose": False}
_shown: set[str] = set()


def configure(quiet: bool = False, verbose: bool = False) -> None:
    """quiet: only errors and results are shown. verbose: details are shown too."""
    _level.update(quiet=quiet, verbose=verbose)
    _shown.clear()


@contextmanager
def muted(mute: bool = True) -> Iterator[None]:
    """Nothing at all is shown in the block, where a program takes the result. mute: whether that is so."""
    before = out.quiet, err.quiet
    if mute:
        out.quiet = err.quiet = True
    try:
        yield
    finally:
        out.quiet, err.quiet = before


def message(text: str) -> None:
    """Show what happens, on stderr; not with --quiet."""
    if not _level["quiet"]:
        err.print(flowing(visible(text), err))


def notes(texts: Iterable[str]) -> None:
    """Show what was decided or left out, on stderr, a line each; not with --quiet."""
    for text in texts:
        message(f"note: {text}")


def once(text: str) -> None:
    """Show what happens like `message`, the same text only once a command."""
    if text not in _shown:
        _shown.add(text)
        message(text)


def detail(text: str) -> None:
    """Show a detail on stderr, only with --verbose."""
    if _level["verbose"]:
        err.print(flowing(visible(text), err), style="dim")


def error(fault: str) -> None:
    """Show a fault on stderr, in one line."""
    err.print(Text.assemble(("error:", "bold red"), flowing(f" {visible(fault)}", err, len("error:"))))


def result(text: str) -> None:
    """Show a line of the command's result on stdout."""
    out.print(flowing(visible(text), out))


def flowing(text: str, screen: Console, column: int = 0) -> str:
    """The text with blanks before each word that a terminal would break at its edge: a line stays one line.

    So a command in it can be copied; words in quotes count as one. column: where it begins. Elsewhere than on a
    terminal the text is as it was.
    """
    if not screen.is_terminal:
        return text
    words = []
    for word in re.findall(r"\s*(?:(?<!\w)'[^']*'|\S)+", text):
        length = cell_len(word)
        if column and column + length >= screen.width > cell_len(word.lstrip()):
            words.append(" " * (screen.width - column))
            word, column = word.lstrip(), 0
            length = cell_len(word)
        words.append(word)
        column = (column + length) % screen.width
    return "".join(words)


def content(text: str) -> None:
    """Show the content of a file on stdout, with its lines and tabs."""
    for line in text.split("\n"):
        out.print("\t".join(map(visible, line.split("\t"))))


def finding(severity: str, text: str) -> None:
    """Show a finding of `casnet check` on stdout: an error, a warning or a note."""
    color = {"error": "bold red", "warning": "yellow"}.get(severity, "blue")
    out.print(Text.assemble((f"{severity:8}", color), flowing(f" {visible(text)}", out, 8)))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Show a table on stdout; the first column is text, the others are numbers.

    What is wider than the terminal goes on in the next line, the first column within words if it must; in a pipe or a
    file a table is as wide as it needs.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    cells = [[visible(cell) for cell in row] for row in rows]
    texts = [[column, *(row[index] for row in cells)] for index, column in enumerate(columns)]
    least = [max((len(word) for text in column for word in text.split()), default=0) for column in texts]
    least[0] = min(least[0], LEAST_TEXT)
    if sum(least) + GAP * len(columns) > out.width:  # then words are folded too
        least = [0] * len(columns)
    drawn = Table(title=visible(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        drawn.add_column(column, justify="right" if index else "left", overflow="fold", min_width=least[index])
    for row in cells:
        drawn.add_row(*row)
    out.print(drawn)


def check_json(file: str | None, page: Path | None = None) -> None:
    """Raises InputError, before any work is done, where `write_json` could not write, or a file of another kind is.

    file: that of `--json`; None: there is none. page: a page that the work writes before, its folder too.
    """
    if file is None or file == "-":
        return
    if not file:
        raise InputError("--json: names no file (- is stdout)")
    target, other = Path(os.path.realpath(file)), page and Path(os.path.realpath(page))
    if target == other:
        raise InputError(f"{file}: is the page of --out (choose another --json)")
    if target.is_dir():
        raise InputError(f"{file}: cannot be written: Is a directory")
    if target.parent.is_dir():
        if target.is_file() or not target.exists():
            check_writable(target.parent)
            check_replaceable(target, lambda head: head.lstrip()[:1] in (b"", b"{", b"["), "JSON file", "--json")
    elif not other or not other.is_relative_to(target.parent):
        raise InputError(f"{file}: cannot be written: no such folder")


def write_json(content: Mapping[str, object], file: str) -> None:
    """Write a command's result for a program, whole or not at all; `-` is stdout.

    What acts on a terminal and bytes of names that are no UTF-8 become escapes, and so does all that is not ASCII on a
    stdout of another encoding.
    Raises InputError.
    """
    stdout = lasting(sys.stdout) if file == "-" else None
    escaped = stdout is not None and not stdout.encoding.lower().startswith("utf")
    text = visible_json(json.dumps(content, indent=2, ensure_ascii=escaped)).encode() + b"\n"
    if stdout is not None:
        stdout.write(text.decode())
        stdout.flush()
        if stdout.fault:
            raise InputError(f"standard output: cannot be written: {stdout.fault}")
        return
    target = Path(file)
    try:
        if target.is_file() or not target.exists():
            write_whole(Path(os.path.realpath(target)), text)
        else:  # a device or a pipe
            target.write_bytes(text)
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {reason(error)}") from None


class Bar:
    """Progress of one task: a bar on a terminal, at most about ten plain lines elsewhere."""

    def __init__(self, title: str, progress: "Progress | None"):
        self.title, self.progress, self._shown = title, progress, -1.0
        self._first: tuple[float, int] | None = None
        self.task = progress.add_task(title, total=None, note="", end=None) if progress else None

    def update(self, done: float, total: float | None, note: str = "", left: float | None = None) -> None:
        """note: what else there is to show, shortened where it does not fit. left: expected seconds to the end; None:
        by what was done so far."""
        if self.progress and self.task is not None:
            end = None if left is None else self.progress.get_time() + left
            self.progress.update(self.task, completed=done, total=total, note=note, end=end)
            return
        if total and done / total < self._shown:  # the next step of the same task
            self._shown = -1.0
        if total and (done >= total or done / total >= self._shown + 0.1) and self._shown < 1:
            self._shown = done / total
            remaining = f"  {duration(left)} left" if left else ""
            message(f"{self.title}: {done:g}/{total:g} {note}{remaining}".rstrip())

    def wait(self, total: int, what: str) -> None:
        """Show on a terminal what is waited for before the first piece of work is done."""
        if self.progress:
            self.update(0, total, what)

    def count(self, done: int, total: int, unit: str = "images") -> None:
        """`update` for pieces of work of which the first had to wait for something, with their number a second."""
        now = time.perf_counter()
        began, before = self._first = self._first or (now, done)
        rate = (done - before) / (now - began) if now - began > LEAST_TIME else 0.0
        if rate:
            self.update(done, total, f"{rate:.1f} {unit}/s", (total - done) / rate)
        elif not self.progress or done == total:  # else the time left is not known yet
            self.update(done, total)


def progress_line(
    width: int, title: str, done: float, total: float | None, elapsed: float, left: float | None, note: str = ""
) -> Text:
    """The line of a bar, at most `width` columns: title, bar, done and total, seconds passed and left, and a note.

    What does not fit is shortened from its end: the note first, then the bar, then the title.
    """
    title, note = visible(title), visible(note)
    counts = f"{done:g}/{'?' if total is None else f'{total:g}'}"
    times = f"{_clock(elapsed)} passed", f"{'-:--:--' if left is None else _clock(left)} left"
    fixed = sum(len(part) + 2 for part in (counts, *times))
    bar = max(NARROWEST, min(WIDEST, width - fixed - len(title) - 2 - len(note[:LEAST_NOTE]) - 2))
    title = _shortened(title, max(0, width - fixed - bar - 2))
    filled = 0 if not total else round(bar * min(1.0, done / total))
    spent = sum(len(part) + 2 for part in (title, counts, *times)) + bar
    note = _shortened(note, max(0, width - spent - 2))
    line = Text.assemble(f"{title}  ", ("━" * filled, "green"), ("─" * (bar - filled), "dim"), f"  {counts}  ")
    line.append("  ".join(times))
    if note:
        line.append(f"  {note}", "dim")
    return line


def _clock(seconds: float) -> str:
    """0:01:05."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…" if width > 1 else ""


def _line_of(task: "Task") -> Text:
    """The whole line of a task, as wide as the terminal."""
    elapsed = task.elapsed or 0.0
    if (end := task.fields.get("end")) is not None:
        left: float | None = end - task.get_time()
    elif task.total and task.completed:
        left = elapsed * (task.total - task.completed) / task.completed
    else:
        left = None
    width = err.width - 4 if err.options.ascii_only else err.width  # of each "…", and there are two, comes "..."
    return progress_line(width, task.description, task.completed, task.total, elapsed, left, task.fields["note"])


@contextmanager
def bar(title: str) -> Iterator[Bar]:
    """Shows progress on stderr for as long as the block runs."""
    if _level["quiet"] or not err.is_terminal:
        yield Bar(title, None)
        return
    from rich.progress import Progress, ProgressColumn
    from rich.table import Column

    class Line(ProgressColumn):
        def render(self, task: "Task") -> Text:
            return _line_of(task)

    with Progress(Line(table_column=Column(no_wrap=True)), console=err, transient=True) as progress:
        yield Bar(title, progress)
