"""The pages for readers: their links, and their examples, run as they stand there.

A comment before each block of `console`, `bash`, `python` or `toml` says what a test makes of it:

    <!-- test: demo -->            run in the folder of a small `casnet demo`, in the order of the page
    <!-- test: own -->             likewise in a folder with images/ and masks/ of twelve scenes
    <!-- test: slow -->            likewise in the folder of the demo, with the slow tests
    <!-- test: file NAME -->       written to NAME in that folder
    <!-- test: no, REASON -->      not run

`, exit N` behind a kind is the exit code of the block's last command. Of the output every line is compared but for its
numbers, spaces and frames; a line `…` stands for any lines, `…` in a line for any text. A block of `text` behind one of
`python` is what that prints.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from casnet_cli.data.sources.base import Entry, Sample
from helpers import tiny_backbone

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "findings" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = ("console", "bash", "python", "toml")
FENCE = re.compile(r"(?:<!-- test: (?P<mark>.*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"\b[0-9a-f]{64}\b|\d+(,\d{3})*(\.\d+)?(e[-+]?\d+)?")
PROGRESS = re.compile(r"^[^:]*: [\d,]+/[\d,]+( .*)?$")


@dataclass(frozen=True)
class Example:
    """A block of a page."""

    language: str
    mark: str | None
    """What stands behind `test:` in the comment; None: no comment."""
    text: str
    line: int
    printed: str | None = None
    """What a Python block prints, where the page shows it."""

    @property
    def kind(self) -> str:
        return re.split(r"[ ,]", self.mark or "")[0]


def examples(page: Path) -> list[Example]:
    """The blocks of a page that a reader copies."""
    text = page.read_text(encoding="utf-8")
    found = list(FENCE.finditer(text))
    blocks = []
    for block, after in zip(found, [*found[1:], None], strict=False):
        if block["language"] in LANGUAGES:
            follows = after and after["language"] == "text" and not text[block.end() : after.start()].strip()
            shown = after["text"] if after and follows and block["language"] == "python" else None
            line = text.count("\n", 0, block.start()) + 1
            blocks.append(Example(block["language"], block["mark"], block["text"], line, shown))
    return blocks


def run(blocks: list[Example], patch: pytest.MonkeyPatch) -> None:
    """Run the blocks one after the other in the current folder."""
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks:
        if block.kind == "file":
            Path(str(block.mark).split()[1]).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block.text, f"line {block.line}", "exec"), names)
            if block.printed is not None:
                compare(block.printed, printed.getvalue(), f"line {block.line}")
        else:
            _console(block, patch)


def _console(block: Example, patch: pytest.MonkeyPatch) -> None:
    commands = list(_commands(block))
    for place, (command, shown) in enumerate(commands):
        code = re.search(r"exit (\d+)", block.mark or "") if place == len(commands) - 1 else None
        output = _output(command, int(code[1]) if code else 0, patch)
        compare(shown, output, f"line {block.line}, $ {command}")


def _commands(block: Example) -> Iterator[tuple[str, str]]:
    """Each command of a transcript with the output below it."""
    parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n?", block.text, flags=re.M)
    assert not parts[0], f"line {block.line}: output without a command"
    for command, shown in zip(parts[1::2], parts[2::2], strict=True):
        yield command.replace("\\\n", " "), shown


def _output(command: str, code: int, patch: pytest.MonkeyPatch) -> str:
    from casnet_cli.cli import app

    words = shlex.split(command, comments=True)
    if words[0] == "cd":
        patch.chdir(words[1])
        return ""
    if words[0] == "casnet" and not set("|;<>&*") & set(command):
        done = CliRunner().invoke(app, words[1:])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, f"$ {command}\n{done.output}"
        shown = done.output.replace("engine keras", "engine onnx")  # tests write no files for ONNX Runtime
        return re.sub(rf"\b{tiny_backbone.NAME}\b", "efficientnet-lite0", shown)
    ran = subprocess.run(
        ["bash", "-c", f'casnet() {{ {shlex.quote(sys.executable)} -m casnet_cli "$@"; }}\n{command}'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
    )
    assert ran.returncode == code, f"$ {command}\n{ran.stdout}"
    return ran.stdout


def compare(shown: str, output: str, where: str) -> None:
    """Fail unless the page shows the output, as the module says."""
    pattern = []
    for line in _lines(shown):
        pattern.append("(?:.*\n)*?" if line == "…" else _pattern(line))
    actual = "".join(f"{line}\n" for line in _lines(output))
    assert re.fullmatch("".join(pattern), actual), f"{where}\nshown:\n{shown}\noutput:\n{output}\n"


def _pattern(line: str) -> str:
    return ".*?".join(map(re.escape, re.split(" ?… ?", line))) + "\n"


def _lines(text: str) -> list[str]:
    """Lines without frames, numbers, spaces at will, and progress, whose lines depend on time."""
    lines = (" ".join(re.sub(r"[\u2500-\u257f]", " ", line).split()) for line in text.splitlines())
    return [NUMBER.sub("#", line) for line in lines if line and not PROGRESS.match(line)]


# Folders to run them in


def demo(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """What `casnet demo` leaves in casnet-demo/ below `folder`, of fewer and smaller scenes and a tiny network.

    The tests' own backbone must be known (`tiny_backbone.known`) for as long as it is used.
    """
    from casnet_cli.data import store
    from casnet_cli.data.sources.demo import SOURCE
    from helpers.cli import casnet, tiny_settings

    patch.chdir(folder)
    home = folder / "casnet-demo"
    (home / "data").mkdir(parents=True)
    (home / "scenes").mkdir()
    few = {"train": 8, "val": 2, "test": 3}
    entries = [Entry(split, f"scene-{n:03d}", partial(_scene, n)) for split in few for n in range(few[split])]
    provenance = {"source": "built into casnet", "source_sha256": "", "source_stamp": "x"}
    store.write(home / "data" / "demo.h5", SOURCE, entries, provenance)
    for number in range(3):
        (home / "scenes" / f"photo-{number:02d}.jpg").write_bytes(_scene(100 + number).image)
    small = tiny_settings("training.epochs=1", "evaluation.samples=0")
    casnet("train", "demo", "--data", "casnet-demo/data/demo.h5", "--run", "casnet-demo/runs/demo-001", *small)
    return home


def _scene(seed: int) -> Sample:
    """The middle of a scene of the demo, 160x120."""
    from casnet_cli.data.scenes.scenes import draw_scene

    image, label = (array[60:180, 60:220] for array in draw_scene(seed))
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG")
    return Sample(buffer.getvalue(), label)


def own(folder: Path) -> Path:
    """Somebody's own data: twelve images and masks of ids."""
    from casnet_cli.data.sources.demo import entries

    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for entry in entries(folder)[:12]:
        sample, name = entry.load(), entry.name.replace("scene", "street")
        (folder / "images" / f"{name}.jpg").write_bytes(sample.image)
        Image.fromarray(sample.label).save(folder / "masks" / f"{name}.png")
    return folder


# Links


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as a forge makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.M):
        plain = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def links(page: Path) -> list[str]:
    """Targets of the links and pictures of a page, blocks of code apart."""
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.findall(r"\]\(([^)\s]+)\)", text)
