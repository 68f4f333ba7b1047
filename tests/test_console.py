"""What the terminal shows: the line of a bar at every width, and what a pipe gets."""

import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cli import casnet
from rich.console import Console

from casnet_cli import console
from casnet_cli.console import progress_line
from casnet_cli.errors import InputError

NOTE = "epoch 12  coarse 0.412  fine 0.398  attention 0.221  rate 1.0e-04  5.3 images/s  2.1 GiB"


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("title", ["training", "looking at pictures", "a film of the harbour at night.mp4"])
def test_bar_counts_and_times_are_always_there(width: int, title: str) -> None:
    line = progress_line(width, title, 1234, 5678, 754, 3723, NOTE).plain
    assert len(line) <= width and line.count("━") + line.count("─") >= 10
    assert "  1234/5678  0:12:34 passed  1:02:03 left" in line
    assert (title in line) or width < 100
    assert (NOTE in line) == (width == 200) and ("…" in line) == (width < 200)


def test_the_bar_is_filled_by_what_is_done() -> None:
    plain = [progress_line(100, "x", done, 28, 1, 1).plain for done in (0, 7, 28, 40)]
    assert [line.count("━") for line in plain] == [0, 7, 28, 28]
    unknown = progress_line(100, "x", 3, None, 61, None).plain
    assert "3/?  0:01:01 passed  -:--:-- left" in unknown and "━" not in unknown


COLUMNS = ("run", "pixel accuracy", "class accuracy", "mean IoU", "frequency weighted IoU", "difference", "images")
ROWS = [
    (f"runs/stanford-background-lite-crossval-00{n}/fold-1", *["83.6 [82.1, 84.9]"] * 4, "+0.8 [-0.1, 1.9]", "143")
    for n in (1, 2)
]


@pytest.mark.parametrize("width", [80, 120, 400])
def test_tables_show_all_that_tells_rows_apart(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.out, "_width", width)
    monkeypatch.setattr(console.out, "_force_terminal", True)
    console.table("side by side", COLUMNS, ROWS)
    shown = capsys.readouterr().out
    assert "…" not in shown and max(map(len, shown.splitlines())) <= width
    letters = "".join(re.split(r" {2,}", line)[0].strip() for line in shown.splitlines()[3:])
    assert all(row[0] in letters for row in ROWS)


def test_in_a_pipe_nothing_is_cut_or_folded() -> None:
    code = f"from casnet_cli import console; console.table('t', {COLUMNS!r}, {ROWS!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if "crossval" in line]
    assert len(lines) == 2 and all(cell in lines[0] for cell in ROWS[0])


def test_codes_and_markup_in_names_are_shown_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("t", ("a",), [("[b]:smile:",)])
    console.result("[red]:smile:")
    shown = capsys.readouterr().out
    assert "[b]:smile:" in shown and "[red]:smile:" in shown


HOSTILE = "a\n\x1b[31mb\u202ec\u2028\udce9[red]d[/] :smile:\\"
SHOWN = r"a\n\x1b[31mb\u202ec\u2028\udce9[red]d[/] :smile:" + "\\"


def test_names_act_on_nothing_and_take_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.message(HOSTILE)
    console.error(HOSTILE)
    console.result(HOSTILE)
    console.finding("note", HOSTILE)
    console.content(f"{HOSTILE}\n\tnext")
    console.table(HOSTILE, ["name"], [[HOSTILE]])
    with console.bar(HOSTILE) as bar:
        bar.update(1, 1, HOSTILE)
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [SHOWN, f"error: {SHOWN}", f"{SHOWN}: 1/1 {SHOWN}"]
    out = captured.out.splitlines()
    rest = SHOWN.removeprefix(r"a\n")
    assert out[:4] == [SHOWN, f"note     {SHOWN}", "a", rest] and out[4].strip() == "next"
    assert sum(SHOWN in line for line in out) == 4 and "\x1b" not in captured.out


@pytest.mark.parametrize("width", [40, 100])
def test_a_bar_shows_names_as_they_stand(width: int) -> None:
    assert "\x1b" not in progress_line(width, HOSTILE, 1, 2, 3, 4, HOSTILE).plain


def test_a_result_for_programs_is_found_unwritable_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("link").symlink_to("none/below")
    Path("x.json").write_text('\n{"runs": []}')
    Path("data.h5").write_bytes(b"\x89HDF")
    for given in (None, "-", "x.json", "file", "/dev/null"):
        console.check_json(given)
    console.check_json("out/new/x.json", Path("out/new/page.html"))
    console.check_json("out/x.json", Path("out/new/page.html"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.h5", "file", "link", "x.json"]
    for given, made, words in (
        ("none/x.json", None, "no such folder"),
        ("none/x.json", Path("out/page.html"), "no such folder"),
        ("out/page.html", Path("out/page.html"), r"is the page of --out \(choose another --json\)"),
        ("", None, r"names no file \(- is stdout\)"),
        ("file/x.json", None, "no such folder"),
        ("link", None, "no such folder"),
        (".", None, "Is a directory"),
        ("data.h5", None, r"is there, and is no JSON file \(choose another --json, or remove it\)"),
    ):
        with pytest.raises(InputError, match=f"{given}: (cannot be written: )?{words}$"):
            console.check_json(given, made)
    assert "is no JSON file" in casnet("info", "data.h5", "--json", "data.h5", code=2)
    assert Path("data.h5").read_bytes() == b"\x89HDF"
    for words in (("compare", "runs/gone"), ("check", "gone"), ("bench", "--run", "runs/gone"), ("runs",)):
        assert casnet(*words, "--json", "none/x.json", code=2).startswith("error: none/x.json: cannot be written")


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_broken_outputs_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    console.message("a")
    console.error("b")
    console.result("c")
    console.table("t", COLUMNS, ROWS)
    monkeypatch.setattr(console.err, "_force_terminal", True)
    monkeypatch.setattr(console.err, "is_interactive", True)
    with console.bar("labelling") as bar:
        bar.update(1, 2)
        print("a library prints")
    with pytest.raises(InputError, match="standard output: cannot be written: No space left on device"):
        console.write_json({}, "-")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_outputs_of_other_encodings_than_utf8(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    console.table("Größe", ("x",), [("図",)])
    console.message("starting …")
    sys.stdout.flush()
    shown = raw.getvalue().decode(encoding)
    assert "\\u56f3" in shown and "starting ..." in shown and "───" not in shown
    assert ("Größe" in shown) == (encoding == "latin-1")
    raw.truncate(0)
    raw.seek(0)
    content = {"Größe": "図", "broken": "\udce9"}
    console.write_json(content, "-")
    assert json.loads(raw.getvalue().decode(encoding)) == content


def test_a_bar_is_no_wider_than_a_terminal_without_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, "latin-1"))
    monkeypatch.setattr(console.err, "_force_terminal", True)
    monkeypatch.setattr(console.err, "is_interactive", True)
    monkeypatch.setattr(console.err, "_width", 80)
    with console.bar("a film of the harbour at night, filmed from the pier.mp4") as bar:
        bar.update(1234, 5678, NOTE)
        assert bar.progress
        bar.progress.refresh()
    lines = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw.getvalue().decode("latin-1")))
    assert any("#" in line and "..." in line for line in lines) and max(map(len, lines)) <= 80


def test_a_remark_is_shown_once_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        console.configure()
        for _ in range(3):
            console.once("no locks here")
    assert capsys.readouterr().err == "no locks here\n" * 2


def test_the_first_piece_of_work_counts_in_no_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    with console.bar("evaluating") as bar:
        bar.wait(20, "compiling")
        for done in range(1, 21):
            bar.count(done, 20)
            clock[0] += 0.1 if done < 3 else 1.0
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "evaluating: 1/20", "a pipe is not told what is waited for, and no rate by one piece"
    assert shown[2] == "evaluating: 7/20 1.4 images/s  9 s left"
    assert shown[-1].startswith("evaluating: 20/20 1.1 images/s")


def test_a_terminal_shows_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(console, "err", screen)
    with console.bar("evaluating") as bar:
        bar.wait(20, "compiling")
        bar.count(1, 20)  # which took long, and says nothing of the others
    assert isinstance(screen.file, io.StringIO)
    shown = screen.file.getvalue()
    assert "0/20  0:00:00 passed  -:--:-- left" in shown and "compiling" in shown and "1/20" not in shown


SENTENCE = "its training is not finished, epoch 1 of 4 (casnet train --run 'my runs/the first one' --resume, or so)"


@pytest.mark.parametrize("width", [20, 33, 80, 120, 400])
def test_a_terminal_breaks_no_word_and_a_command_can_be_copied(width: int) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=width)
    shown = console.flowing(SENTENCE, screen, column=7)
    rows = [(" " * 7 + shown)[start : start + width] for start in range(0, len(shown) + 7, width)]
    assert {row[-1] for row in rows[:-1] if "'" not in row} <= {" "} and not any(row[0] == " " for row in rows[1:])
    assert re.sub(" +", " ", shown) == SENTENCE and shlex.split(shown.split("(")[1])[3] == "my runs/the first one"
    assert console.flowing(SENTENCE, Console(file=io.StringIO(), width=width)) == SENTENCE
    assert console.flowing("it's this run's own", screen, width - 9).split(" " * 2)[0] == "it's"
