"""A mistake shows at once: what names no file, folder, run or recipe is found out before the slow imports."""

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

HEAVY = (
    *(
        "numpy",
        "h5py",
        "PIL",
        "scipy",
        "tifffile",
        "imagecodecs",
        "pycocotools",
        "grain",
        "tensorflow",
        "keras",
        "yaml",
    ),
    *("matplotlib", "jinja2", "requests", "av", "rasterio", "pyarrow", "uvicorn", "starlette", "asyncio", "concurrent"),
)
MOST = 32
"""Modules of casnet that a mistake may import beside those of `casnet --help`."""

MISTAKES = {
    "prepare": "missing argument",
    "prepare nosuch/": "nosuch/: no such data set",
    "prepare folder --add nosuch.h5": "nosuch.h5: no such prepared data set",
    "prepare --project nosuch.toml": "nosuch.toml: no such file",
    "check": "missing argument",
    "check nosuch": "nosuch: no such file, folder or data set",
    "recipe nosuch": "no such command",
    "recipe show nosuch": "nosuch: no such recipe",
    "train": "data/: no prepared data set here",
    "train nosuch": "nosuch: no such recipe",
    "train --nosuch": "no such option",
    "train --data nosuch.h5": "nosuch.h5: no such prepared data set",
    "train sift-flow": "data/sift-flow.h5: not there",
    "train --finish": "nothing to finish",
    "train --init nosuch": "nosuch: no such run",
    "eval": "runs/: no run with a checkpoint here",
    "eval --run nosuch": "nosuch: no such run",
    "predict": "missing argument",
    "predict .": "runs/: no run with a checkpoint here",
    "predict . --run nosuch": "nosuch: no such run",
    "predict nosuch --run run": "nosuch: no such file or folder",
    "predict . --run run": "no image in it",
    "serve": "runs/: no run with a checkpoint here",
    "serve nosuch": "nosuch: no such run",
    "export": "runs/: no run with a checkpoint here",
    "export --run nosuch": "nosuch: no such run",
    "rank .": "runs/: no run with a checkpoint here",
    "rank . --run nosuch": "nosuch: no such run",
    "rank nosuch --run run": "nosuch: no such file or folder",
    "audit": "runs/: no run with a checkpoint here",
    "audit --run nosuch": "nosuch: no such run",
    "compare a b": "a: no such run",
    "bench": "runs/: no run with a checkpoint here",
    "bench --run nosuch": "nosuch: no such run",
    "bench --recipe nosuch": "nosuch: no such recipe",
    "info nosuch": "nosuch: no such file, run or recipe",
    "info nosuch.h5": "nosuch.h5: no such prepared data set",
    "runs": "no run here",
    "runs rm nosuch": "nosuch: no run folder",
}
"""Command lines in a folder without data, and words of what is said."""

PROGRAM = """
import json, os, sys, tempfile
import casnet_cli
at_import = sorted(sys.modules)
from casnet_cli import cli, console
import typer._adapters
before = set(sys.modules)

def run(words):
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 1), os.dup2(written.fileno(), 2)
        code = 0
        try:
            cli.app(words)
        except SystemExit as end:
            code = end.code
        sys.stdout.flush(), sys.stderr.flush()
        written.seek(0)
        return [code, written.read().decode(), sorted(sys.modules.keys() - before)]

found = {}
for line in json.loads(sys.argv[1]):
    read, write = os.pipe()
    if child := os.fork():
        os.close(write)
        found[line] = json.load(open(read))
        os.waitpid(child, 0)
    else:
        try:
            os.write(write, json.dumps(run(line.split())).encode())
        finally:
            os._exit(0)
print(json.dumps([at_import, sorted(before), found]))
"""
"""Each command line in a process of its own, all of which have imported the command line itself."""


class Started(NamedTuple):
    """What was imported."""

    package: list[str]
    """By `import casnet_cli`."""
    cli: list[str]
    """By the command line, before it knows its words."""
    mistakes: dict[str, tuple[int, str, list[str]]]
    """Exit code, output, and what each imported besides."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Started:
    folder = tmp_path_factory.mktemp("start")
    checkpoint = folder / "run" / "checkpoints" / "best.h5"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"never read")
    command = [sys.executable, "-c", PROGRAM, json.dumps([*MISTAKES, "--help"])]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return Started(*json.loads(done.stdout))


def heavy(modules: list[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules} & set(HEAVY)


def test_the_package_itself_imports_nothing(started: Started) -> None:
    assert not {"typer", "pydantic", "rich", *HEAVY} & set(started.package)
    assert [module for module in started.package if module.startswith("casnet_cli")] == ["casnet_cli"]


def test_the_command_line_imports_nothing_heavy(started: Started) -> None:
    code, output, more = started.mistakes["--help"]
    assert code == 0 and "predict" in output
    assert not heavy(started.cli + more)


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_shows_before_the_slow_imports(started: Started, line: str) -> None:
    code, output, modules = started.mistakes[line]
    assert MISTAKES[line] in output and code == (0 if line == "runs" else 2)
    assert not heavy(modules)
    assert len([module for module in modules if module.startswith("casnet_cli.")]) <= MOST
