"""Public functions say what they take and give: few keep `Any`, each for a reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "casnet_cli"

OWN_INPUTS = "each predictor takes what its own `prepare` returned; a class whose parameter is narrower is no Predictor"

PARSED = "what a text of unknown origin holds is known when it was looked at"

TYPER = "Typer hands over objects of classes that it does not publish"

REASONS = {
    "commands.help_page:DocumentedCommand.format_help": TYPER,
    "commands.help_page:DocumentedGroup.format_help": TYPER,
    "inference.protocol:Predictor.predict_blocks": OWN_INPUTS,
    "workflows.project:request_of": "values of twenty keys, each of its own type, checked by a model before",
    "inference.protocol:Predictor.predict_batch": OWN_INPUTS,
    "util.parsing:json_of": PARSED,
    "util.parsing:toml_of": PARSED,
    "util.parsing:yaml_of": PARSED,
}
"""module:function → why no type fits."""

MOST = 20


def public_functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions without an underscore, and those of classes without one."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{prefix}{node.name}.")
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node


def has_any(annotation: ast.expr | None) -> bool:
    """Whether Any stands in it, also in quotes."""
    for node in ast.walk(annotation) if annotation else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and has_any(_unquoted(node.value)):
            return True
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).rpartition(".")[2] == "Any":
            return True
    return False


def _unquoted(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:  # a word of a Literal or a text of an Annotated
        return None


def annotations(function: ast.FunctionDef) -> Iterator[ast.expr | None]:
    given = function.args
    more = [argument for argument in (given.vararg, given.kwarg) if argument]
    yield from (argument.annotation for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, *more))
    yield function.returns


def test_any_is_kept_for_a_reason() -> None:
    found = {
        f"{'.'.join(file.relative_to(PACKAGE).with_suffix('').parts)}:{name}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for name, function in public_functions(ast.parse(file.read_text(encoding="utf-8")).body)
        if any(map(has_any, annotations(function)))
    }
    assert not found - REASONS.keys(), "a type that says more, or a reason"
    assert not REASONS.keys() - found, "these have none any more"
    assert len(REASONS) <= MOST
