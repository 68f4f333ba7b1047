"""The plan of the package: a file imports only from lower layers, slow libraries late, and files stay small."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "casnet_cli"
FILES = sorted(PACKAGE.rglob("*.py"))
COMMANDS = sorted(file for file in (PACKAGE / "commands").glob("[!_]*.py") if file.stem != "help_page")

LAYERS = (
    {"errors", "labels"},
    {"util"},
    {"paths"},
    {"recipe", "backend"},
    {"data", "model"},
    {"runs"},
    {"inference", "training"},
    {"evaluation", "prediction"},
    {"export", "ranking", "auditing"},
    {"reports", "console", "serving"},
    {"workflows"},
    {"api"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
"""Rooms, and modules that are rooms of their own, from the ground up."""
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
DOOR = "__init__"
"""The package itself: it imports `api` when `load` is used, and its version is everybody's."""

TALKS = {"workflows", "commands", "cli", "api"}
"""Who may import the console; `api` mutes it."""
HEAVY = {"tensorflow", "keras", "grain", "jax", "matplotlib", "tensorboardX", "onnx", "onnxruntime", "ai_edge_litert"}
HEAVY_FREE = {room for room in LEVEL if room not in ("data", "model", "inference", "training", "export")}
"""Rooms that import the heavy libraries inside functions alone, as not every command needs them."""
RUNTIME_FREE = {"commands", "cli", "__main__", "console", DOOR}
"""Rooms that `casnet --help` loads: neither do they import NumPy or HDF5."""
OWNERS = {
    "rich": {"console"},
    "jinja2": {"reports.html"},
    "starlette": {"workflows.serve"} | {f"serving.{file.stem}" for file in PACKAGE.glob("serving/*")},
    "uvicorn": {"serving.server"},
    "tensorflow": {"backend", "training.step_tensorflow"}
    | {f"export.{file.stem}" for file in PACKAGE.glob("export/*")},
}
"""Libraries that few modules may know."""

ROOT_MODULES, FILE_LINES, FUNCTION_LINES, COMMAND_STATEMENTS = 10, 350, 50, 6

files = pytest.mark.parametrize("file", FILES, ids=lambda file: module_of(file))


def module_of(file: Path) -> str:
    """Dotted, below the package; of a room its name."""
    name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix(".__init__")


def room_of(module: str) -> str:
    return module.partition(".")[0]


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Dotted names of the modules, of the package itself those that it is asked for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, "imports are absolute"
            whole = node.module == "casnet_cli"
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if whole else [node.module]


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: neither functions nor what only type checkers see."""
    for child in ast.iter_child_nodes(node):
        typing_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not (typing_only or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            yield child
            yield from at_import(child)


def rooms(names: Iterator[str]) -> set[str]:
    """Those of the package among imported names."""
    inner = (name.split(".")[1] for name in names if name.startswith("casnet_cli."))
    return {room for room in inner if room != "__version__"}


def libraries(names: Iterator[str]) -> set[str]:
    return {room_of(name) for name in names}


def test_every_room_is_on_the_plan() -> None:
    modules = {file.stem for file in PACKAGE.glob("*.py")}
    folders = {folder.name for folder in PACKAGE.iterdir() if list(folder.glob("*.py"))}
    assert modules | folders == LEVEL.keys() | {DOOR}
    assert len(modules) <= ROOT_MODULES, "a new module belongs into a room"


@files
def test_imports_point_downwards(file: Path) -> None:
    own = room_of(module_of(file))
    for other in rooms(imports(ast.walk(tree_of(file)))):
        lower = own == DOOR or other == own or LEVEL[other] < LEVEL[own]
        assert lower, f"{own} imports {other}, which is no lower"
        assert other != "console" or own in TALKS, f"{own} does not talk: it returns what there is to say, or raises it"


@files
def test_heavy_libraries_are_imported_late(file: Path) -> None:
    own, at_top = room_of(module_of(file)), libraries(imports(at_import(tree_of(file))))
    if own in HEAVY_FREE | {DOOR}:
        assert not at_top & HEAVY
    if own in RUNTIME_FREE:
        assert not at_top & {"numpy", "h5py"}


@pytest.mark.parametrize("file", COMMANDS, ids=lambda file: file.stem)
def test_commands_import_their_work_inside_functions(file: Path) -> None:
    assert not rooms(imports(at_import(tree_of(file)))) & {"workflows", "api"}


@files
def test_few_know_a_library(file: Path) -> None:
    module, known = module_of(file), libraries(imports(ast.walk(tree_of(file))))
    for library, owners in OWNERS.items():
        assert library not in known or module in owners, f"{library} is known to {', '.join(sorted(owners))} alone"


@files
def test_nothing_prints(file: Path) -> None:
    called = (node.func for node in ast.walk(tree_of(file)) if isinstance(node, ast.Call))
    assert "print" not in {function.id for function in called if isinstance(function, ast.Name)}


@pytest.mark.parametrize("file", COMMANDS, ids=lambda file: file.stem)
def test_commands_are_typed_options_and_a_call(file: Path) -> None:
    functions = [node for node in tree_of(file).body if isinstance(node, ast.FunctionDef)]
    commands = [function for function in functions if function.name.endswith("command")]
    assert commands or file.stem == "options"
    for function in functions:
        body = [statement for statement in function.body if not isinstance(statement, ast.Import | ast.ImportFrom)]
        assert len(body) <= COMMAND_STATEMENTS, f"{function.name}: more than options, a docstring and a call"
        assert not any(isinstance(node, ast.For | ast.While | ast.With | ast.Try) for node in ast.walk(function))
    for command in commands:
        assert ast.get_docstring(command), "the help page"
        assert all(argument.annotation for argument in command.args.args)
        last = ast.unparse(command.body[-1])
        work = {alias.asname or alias.name for node in ast.walk(command) for alias in names_of_workflows(node)}
        assert any(re.search(rf"\b{name}\(", last) for name in work), f"{command.name} ends with a call of its workflow"


def names_of_workflows(node: ast.AST) -> list[ast.alias]:
    """What is imported from there."""
    from_there = isinstance(node, ast.ImportFrom) and str(node.module).startswith("casnet_cli.workflows")
    return node.names if isinstance(node, ast.ImportFrom) and from_there else []


@files
def test_files_and_functions_are_small(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= FILE_LINES
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < FUNCTION_LINES, node.name


def test_the_layout_of_a_run_folder_is_spelled_once() -> None:
    found = {
        (module_of(file), node.value)
        for file in FILES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"\S*(best|last|previous)\.h5|/?checkpoints/?", node.value)
    }
    names = ("checkpoints", "best.h5", "last.h5", "previous.h5")
    assert found == {("runs.locate", name) for name in names}
