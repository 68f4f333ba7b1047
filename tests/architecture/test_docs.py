"""The pages: links lead somewhere, names exist, and what is made from the code is up to date."""

import ast
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from helpers import pages, reference_pages
from helpers.pages import PAGES, ROOT

IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for link in pages.links(page):
        if re.match(r"(https?|mailto):", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: no such file"
        assert target.is_relative_to(ROOT), f"{link}: outside the project"
        if anchor:
            assert anchor in pages.anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_names_of_files_and_modules_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    rooms = "|".join(folder.name for folder in (ROOT / "casnet_cli").iterdir() if folder.is_dir())
    for path in re.findall(rf"(?<![\w./])(?:casnet_cli|tests|recipes|docs|findings|{rooms})/[\w./*-]*[\w*]", text):
        if path.endswith((".py", ".md", "*")) or path.startswith(("casnet_cli/", "tests/")):
            assert any((*ROOT.glob(path), *(ROOT / "casnet_cli").glob(path))), f"{path}: no such file"
    for dotted in re.findall(r"\bcasnet_cli(?:\.\w+)+\b", text):
        assert _exists(dotted), f"{dotted}: no such name"


def _exists(dotted: str) -> bool:
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:cut])
        if path.with_suffix(".py").is_file() or path.is_dir():
            found: object = import_module(".".join(parts[:cut])) if cut < len(parts) else path
            for name in parts[cut:]:
                found = getattr(found, name, None)
            return found is not None
    return False


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_example_says_whether_it_is_run(page: Path) -> None:
    for example in pages.examples(page):
        where = f"line {example.line}: {example.text.splitlines()[0]}"
        assert example.kind in ("demo", "own", "slow", "file", "no"), where
        assert example.kind != "no" or re.fullmatch(r"no, .{10,}", str(example.mark)), f"{where}: without a reason"
        assert example.language != "toml" or tomllib.loads(example.text) is not None


def test_every_page_has_something_to_copy() -> None:
    """But for the list of settings, and the results, whose commands stand in their text."""
    bare = {name for name, page in zip(IDS, PAGES, strict=True) if "```" not in page.read_text(encoding="utf-8")}
    assert bare <= {"docs/reference/recipes.md", "docs/results.md", "docs/results/README.md"}


def test_messages_of_the_troubleshooting_page_are_those_of_the_code() -> None:
    """What stands in code in the first column and has a space; `…` stands for what differs."""
    code = [file.read_text(encoding="utf-8") for file in (ROOT / "casnet_cli").rglob("*.py")]
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = [text for text in re.findall(r"^\| `([^`]+)` \|", page, re.M) if " " in text]
    assert len(quoted) > 10
    for text in quoted:
        assert any(all(part in file for part in text.split("…")) for file in code), text


def test_files_of_the_results_are_listed() -> None:
    folder = ROOT / "docs" / "results"
    listed = set(pages.links(folder / "README.md"))
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files - listed == {"README.md"}


@pytest.mark.parametrize("path", reference_pages.pages(), ids=lambda path: path.name)
def test_reference_is_made_from_the_code(path: Path) -> None:
    made = reference_pages.pages()[path]
    assert path.read_text(encoding="utf-8") == made, "run: python tests/helpers/reference_pages.py"


@pytest.mark.parametrize("columns", ["40", "200"])
def test_reference_of_commands_does_not_depend_on_the_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERMINAL_WIDTH", columns)
    assert (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8") == reference_pages.cli_page()


def test_readme_is_short_and_begins_with_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 180
    commands = [line.partition("  #")[0].rstrip() for line in lines[:12]]
    assert "pip install . && casnet demo" in commands and "pip install '.[test]' && pytest" in commands


def test_every_command_has_its_line_in_the_readme_and_its_place_in_the_architecture() -> None:
    from casnet_cli.cli import VERBS

    readme, architecture = ((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/architecture.md"))
    for verb in VERBS:
        assert re.search(rf"^\| \[`casnet {verb}\b", readme, re.M), verb
        assert re.search(rf"^\| `casnet {verb}` \|", architecture, re.M), verb


def test_layers_of_the_architecture_are_those_of_their_test() -> None:
    source = (Path(__file__).parent / "test_layers.py").read_text(encoding="utf-8")
    assignments = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    (layers,) = [ast.literal_eval(node.value) for node in assignments if ast.unparse(node.targets[0]) == "LAYERS"]
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", page, re.M)
    assert {int(row): set(re.findall(r"`(\w+)`", rooms)) for row, rooms in rows} == dict(enumerate(layers, 1))


def test_classes_of_the_architecture_exist_where_it_says() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for names, places in re.findall(r"^\| ((?:`[A-Z]\w+`(?:, )?)+) \| ((?:`[\w/.]+`(?:, )?)+) \|", page, re.M):
        code = [(ROOT / "casnet_cli" / place).read_text(encoding="utf-8") for place in re.findall(r"`(.+?)`", places)]
        for name in re.findall(r"`(.+?)`", names):
            assert any(re.search(rf"^class {name}\b", text, re.M) for text in code), name


def test_site_lists_every_page() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        assert f" {page.relative_to(ROOT / 'docs').as_posix()}\n" in text, page
