"""The layers hold: a file imports only from lower ones, and what is slow is imported late."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "casnet_cli"
FILES = sorted(PACKAGE.rglob("*.py"))

# First match wins. A file of layer n imports from layers below n, and within n from its own room.
ROOMS = (
    ("commands", 5),
    ("cli", 6),
    ("__main__", 7),
    ("export", 4),
    ("", 7),  # the package itself: its door for Python
    ("console", 3),
    ("figures", 3),
    ("curves", 3),
    ("pages", 3),
    ("report", 3),
    ("events", 3),
    ("selection", 3),
    ("auditing", 3),
    ("runs", 3),
    ("measurements", 3),
    ("choice", 3),
    ("trainee", 3),
    ("api", 3),
    ("training", 2),
    ("evaluation", 2),
    ("prediction", 2),
    ("model", 1),
    ("data", 1),
)
HEAVY = {"tensorflow", "keras", "grain", "jax", "matplotlib", "tensorboardX", "onnx", "onnxruntime", "ai_edge_litert"}


def room(module: str) -> tuple[str, int]:
    name = module.removeprefix("casnet_cli").lstrip(".").partition(".")[0]
    return next(((room, level) for room, level in ROOMS if room == name), (name, 0))


def imports(tree: ast.AST, everywhere: bool = True) -> list[str]:
    nodes = ast.walk(tree) if everywhere else _top_level(tree)
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "casnet_cli"
                else [node.module]
            )
    return found


def _top_level(tree: ast.AST) -> list[ast.AST]:
    return [node for node in getattr(tree, "body", []) if isinstance(node, ast.Import | ast.ImportFrom)]


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("file", FILES, ids=lambda file: module_of(file))
def test_imports_point_downwards(file: Path) -> None:
    own, level = room(module_of(file))
    for name in imports(ast.parse(file.read_text())):
        if not name.startswith("casnet_cli"):
            continue
        other, below = room(name)
        assert below < level or other == own or level == below == 0 or level == 3 == below, f"{file} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: module_of(file))
def test_commands_and_ground_floor_import_no_engine_at_the_top(file: Path) -> None:
    _, level = room(module_of(file))
    if level in (0, 3, 5, 6, 7):
        roots = {name.partition(".")[0] for name in imports(ast.parse(file.read_text()), everywhere=False)}
        assert not roots & HEAVY


@pytest.mark.parametrize("file", FILES, ids=lambda file: module_of(file))
def test_only_the_edge_prints_and_only_the_step_names_a_back_end(file: Path) -> None:
    tree, module = ast.parse(file.read_text()), module_of(file)
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "print" not in calls
    roots = {name.partition(".")[0] for name in imports(tree)}
    assert "rich" not in roots or module == "casnet_cli.console"
    allowed = {"casnet_cli.training.step_tensorflow", "casnet_cli.export.tracing", "casnet_cli.backend"}
    assert "tensorflow" not in roots or module in allowed


@pytest.mark.parametrize("file", sorted((PACKAGE / "commands").glob("*.py")), ids=lambda file: file.stem)
def test_commands_are_thin(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name == "command":
            body = [statement for statement in node.body if not isinstance(statement, ast.Import | ast.ImportFrom)]
            assert len(body) <= 6, f"{file}: options, a docstring, then a call"
