"""Pictures with annotation files, which are recognized by what their tools write."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from casnet_cli.data.annotations.tool_files import PANOPTIC, PIECE, TOOLS, Scope, ToolFile, tool_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.util.text import count

ENDINGS = frozenset(tool.ending for tool in TOOLS)
"""Of the files that may be annotations, in small letters."""


def annotations(tree: Tree) -> Layout | None:
    """Files that list pictures, or one for at least half of the pictures."""
    kinds = tools_of(tree)
    panoptic = [file for file, tool in kinds.items() if tool.name == PANOPTIC]  # it labels every pixel
    many = panoptic or [file for file, tool in kinds.items() if tool.scope is Scope.MANY]
    if panoptic or many and not any(tree.role(file) == "mask" for file in tree.pictures):
        named = ", ".join(str(tree.relative(file)) for file in many)
        images = _folder(tree, many, kinds[many[0]])
        others = sum(tool.scope is Scope.ONE for tool in kinds.values() if tool.name != kinds[many[0]].name)
        named += f"; {count(others, 'file')} of other tools passed by" if others else ""
        return Layout(f"pictures with {kinds[many[0]].name}", named, annotations=tuple(many), images=images)
    each = Counter(tool.name for tool in kinds.values() if tool.scope is Scope.ONE)
    name, number = each.most_common(1)[0] if each else ("", 0)
    if number and 2 * number >= len(tree.pictures):
        files = [file for file, tool in kinds.items() if tool.name == name]
        evidence = f"{number} of them in {tree.folders(files)}, {count(len(tree.pictures), 'picture')}"
        return Layout(f"pictures with {name} each", evidence, outlines=tree.root, images=tree.root)
    return None


def tools_of(tree: Tree) -> dict[Path, ToolFile]:
    """The annotation files of a folder, with what they are; those of CSV where there are no others."""
    for files in ([*tree.json, *tree.others], tree.lists):
        found = {file: tool for file in files if file.suffix.lower() in ENDINGS and (tool := tool_of(file))}
        if found:
            return found
    return {}


def _folder(tree: Tree, files: Sequence[Path], tool: ToolFile) -> Path:
    """The folder of the pictures that files name: the one in which their tool exports them, else of one file the folder
    that holds most of its names as they are written, else the whole folder."""
    file = files[0]
    if tool.pictures:
        own = (file.parent / tool.pictures, file.parent.parent / tool.pictures)
        if found := [folder for folder in own if tree.root in folder.parents and folder.is_dir()]:
            return found[0]
    if len(files) > 1:
        return tree.root
    with file.open("rb") as stream:
        texts = {name.decode("utf-8", "replace") for name in re.findall(rb'"([^"\\<>]+)"', stream.read(4 * PIECE))}
    texts = set(sorted(text for text in texts if text.lower().endswith(readable_endings()))[:200])
    others = (one.parent for one in tree.pictures if tool.name != PANOPTIC or one.parent.name != file.stem)
    folders = dict.fromkeys([file.parent, tree.root, *others])
    held = {folder: sum((folder / text).is_file() for text in texts) for folder in folders}
    return max(held, key=lambda folder: held[folder]) if any(held.values()) else tree.root


def foreign(tree: Tree) -> str:
    """What annotation files there are, where casnet does not take them; empty if there are none."""
    for file, tool in tools_of(tree).items():
        if tool.scope is Scope.OTHER:
            return f"{file}: this is {tool.name} ({tool.remedy})"
    if parquet := [file for file in tree.others if file.suffix.lower() == ".parquet"]:
        return f"{parquet[0]}: this is a table, taken where no pictures lie beside it, or by its own path"
    return ""
