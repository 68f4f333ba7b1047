"""Every file of tests names the module that it tests, and lies where that module lies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "casnet_cli"
APART = {"architecture", "end_to_end", "benchmarks", "experiments", "helpers"}
"""Folders whose files are about more than one module, or are no tests."""
FILES = sorted(file for file in TESTS.rglob("*.py") if file.relative_to(TESTS).parts[0] not in APART)


def modules_of(file: Path) -> Iterator[Path]:
    """Those that test_a_b_c.py may be about: a_b_c, and with c or b_c as the aspect, a_b and a."""
    words = file.stem.removeprefix("test_").split("_")
    for count in range(len(words), 0, -1):
        yield PACKAGE / file.parent.relative_to(TESTS) / f"{'_'.join(words[:count])}.py"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(TESTS).as_posix())
def test_it_names_its_module(file: Path) -> None:
    if file.name.startswith("test_"):
        assert any(module.is_file() for module in modules_of(file)), f"no module {next(modules_of(file))}"
    else:
        assert file.name == "conftest.py" or file.stem.startswith("make_"), "neither tests nor fixtures"


def test_no_folder_of_tests_is_without_its_room() -> None:
    folders = {file.parent.relative_to(TESTS) for file in FILES}
    assert all((PACKAGE / folder).is_dir() for folder in folders)


def test_conftests_hold_fixtures_alone() -> None:
    for file in TESTS.rglob("conftest.py"):
        functions = [line for line in file.read_text().splitlines() if line.startswith("def ")]
        fixtures = file.read_text().count("\n@pytest.fixture")
        assert len(functions) == fixtures, file
