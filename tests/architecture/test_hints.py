"""Commands and options in messages work when they are pasted: what may hold spaces goes through `typed`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "casnet_cli"
COMMAND = re.compile(r"(?:^|[\s(`'\"])(?:casnet [a-z]+|cp|tensorboard|wandb sync|pip install) [^()`;:]*$")
"""The text before a value of a command."""
OPTION = re.compile(r"(?:^|[\s(`])--[a-z][a-z-]* $")
"""The text before the value of an option."""
QUOTED = {"typed", "install", "pip_install"}
"""Functions whose results are quoted."""
PLAIN = {
    "commands/predict.py: ', '.join(outlined())": "names of kinds of output",
    "data/annotations/geojson.py: kind": "a name of a table",
    "data/annotations/via_regions.py: word": "a name of a table",
    "data/classes/class_proposal.py: middle": "a number",
    "data/classes/class_proposal.py: reach": "a number",
    "data/layouts/missing.py: missing": "one of three words",
    "data/masks/unclaimed.py: max(NEAR, int(far.max()))": "a number",
    "data/pixels/survey.py: text": "numbers and names of bands as they were typed",
    "data/preparation.py: free": "a plain name with a number",
    "data/sources/annotation_projects.py: DRAW": "a word",
    "data/sources/annotation_projects.py: SKIP": "a word",
    "evaluation/lost_classes.py: text": "a setting with a word or a number",
    "export/runtime.py: size[0]": "a number",
    "model/backbones/efficientnet_lite.py: package": "the name of a package",
    "prediction/outputs.py: name": "the name of a kind of output",
    "recipe/reading.py: text": "the setting at fault, as it was typed",
    "reports/loggers.py: own": "quoted already",
    "util/extras.py: ' '.join(packages).replace('_', '-')": "names of packages",
    "workflows/bench/engines.py: kind": "an option with the name of an engine, or nothing",
    "workflows/bench/engines.py: which": "the name of an engine",
    "workflows/export.py: height": "a number",
    "workflows/export.py: options.format": "a name of a table",
    "workflows/predict/engines.py: engine": "a name of a table",
    "workflows/predict/engines.py: engine_of(file)": "a name of a table",
    "workflows/predict/engines.py: predictor.description['precision']": "one of three words",
    "workflows/predict/engines.py: size[0]": "a number",
    "workflows/predict/together.py: name": "the name of a kind of output",
    "workflows/series/series.py: self.tta": "one of three words",
    "workflows/train/progress_view.py: lacking": "a command in brackets, or nothing",
}
"""Values that hold neither spaces nor signs of a shell, and why."""


def unquoted(code: str) -> Iterator[str]:
    """Values of commands and options in f-strings that are not quoted."""
    for text in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.JoinedStr)):
        before = ""
        for part, after in zip(text.values, [*text.values[1:], None], strict=True):
            if isinstance(part, ast.Constant):
                before += str(part.value)
                continue
            assert isinstance(part, ast.FormattedValue)
            names_the_fault = isinstance(after, ast.Constant) and str(after.value).startswith(":")
            if COMMAND.search(before) or (OPTION.search(before) and not names_the_fault):
                called = ast.unparse(part.value.func) if isinstance(part.value, ast.Call) else ""
                number = part.format_spec is not None or isinstance(part.value, ast.BinOp)
                if called not in QUOTED and not number:
                    yield ast.unparse(part.value)
            before += "…"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('f"{run}: damaged (casnet train --run {run} --resume)"', ["run"]),
        ('f"{run}: damaged (casnet train --run {typed(run)} --resume)"', []),
        ('f"--run {run}: no run"', []),
        ('f"names go by --pair {rule!r}"', ["rule"]),
        ('f"run `casnet prepare {name}`, then {other}"', ["name"]),
        ('f"about {text} (if it means no data: --nodata {value:g})"', []),
    ],
)
def test_this_test_sees_them(code: str, found: list[str]) -> None:
    assert list(unquoted(code)) == found


def test_values_in_commands_are_quoted() -> None:
    found = {
        f"{file.relative_to(PACKAGE)}: {value}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for value in unquoted(file.read_text(encoding="utf-8"))
    }
    assert not found - PLAIN.keys(), "quote it by casnet_cli.util.shell.typed"
