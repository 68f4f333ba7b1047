"""Files beside pictures that may be annotations, and are damaged or of no known form: what a refusal says of them."""

from pathlib import Path

from casnet_cli.data.annotations.cvat_xml import read_elements
from casnet_cli.data.annotations.json_files import held, read_json
from casnet_cli.data.annotations.tool_files import tool_of
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import read_bytes
from casnet_cli.errors import DataError, reason
from casnet_cli.util.parsing import yaml_of
from casnet_cli.util.text import count

NO_FORM = "is of no form that casnet knows"


def unknown_files(tree: Tree) -> str:
    """The first such file and what is wrong with it, and the number of others; empty if there is none."""
    others = [file for file in tree.others if file.suffix.lower() in (".xml", ".geojson")]
    files = [file for file in (*tree.json, *others) if tool_of(file) is None]
    for file in [*files, *tree.yaml]:
        if why := _why(file):
            rest = len(files) - 1
            also = f"; {count(rest, 'further file')} of no known form" if rest > 0 else ""
            return f"{tree.relative(file)} is there, and {why}{also}"
    return ""


def _why(file: Path) -> str:
    """What is wrong with a file, as the end of a sentence; empty: nothing, or it is of another use."""
    try:
        if not file.stat().st_size:
            return "is empty"
        if file.suffix.lower() == ".xml":
            read_elements(file)
            return ""
        if file.suffix.lower() in (".json", ".geojson"):
            return f"{NO_FORM} ({held(read_json(file))})"
        return _why_yaml(file)
    except OSError as error:
        return f"cannot be read: {reason(error)}"
    except DataError as error:
        text = str(error).removeprefix(f"{file}: ").removeprefix("this ")
        return f"is {text}" if text.startswith("not ") else text


def _why_yaml(file: Path) -> str:
    try:
        content = yaml_of(read_bytes(file))
    except ValueError as error:
        return f"is not readable YAML: {reason(error)}"
    if isinstance(content, dict) and ("train" in content) != ("names" in content):
        lacking = "names" if "train" in content else "train"
        return f"lacks {lacking} (expected train and names, as Ultralytics has them)"
    return ""
