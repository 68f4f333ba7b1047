"""Pictures with annotation files, which are recognized by the keys that their tools write."""

import re
from pathlib import Path

from casnet_cli.data.annotations.json_files import COCO, LABELME, read_json, tool_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.errors import Unfit

PIECE = 1 << 16
"""Bytes at the beginning and at the end of a file in which its keys are looked for."""

KEYS = {COCO: ("images", "annotations", "categories"), LABELME: ("shapes", "imagePath")}
"""Of the forms that casnet takes, the keys that all have to occur."""


def annotations(tree: Tree) -> Layout | None:
    """COCO's files, or a LabelMe file for at least half of the pictures."""
    kinds = {file: kind for file in tree.json if (kind := kind_of(file))}
    coco = [file for file, kind in kinds.items() if kind == COCO]
    outlines = [file for file, kind in kinds.items() if kind == LABELME]
    if coco and not any(tree.role(file) == "mask" for file in tree.pictures):
        named = ", ".join(str(tree.relative(file)) for file in coco)
        images = _folder(tree, coco[0]) if len(coco) == 1 else tree.root
        return Layout("pictures with COCO's annotations", named, annotations=tuple(coco), images=images)
    if 2 * len(outlines) >= len(tree.pictures):
        evidence = f"{len(outlines)} JSON files in {tree.folders(outlines)}, {len(tree.pictures)} pictures"
        return Layout("pictures with LabelMe's outlines", evidence, outlines=tree.root, images=tree.root)
    return None


def _folder(tree: Tree, file: Path) -> Path:
    """The folder of the pictures that a COCO file names: the one that holds most of their names as they are written."""
    names = re.findall(rb'"file_name"\s*:\s*"([^"\\]+)"', file.read_bytes()[: 16 * PIECE])[:200]
    texts = {name.decode("utf-8", "replace") for name in names}
    folders = dict.fromkeys([file.parent, tree.root, *(one.parent for one in tree.pictures)])
    return max(folders, key=lambda folder: sum((folder / text).is_file() for text in texts))


def kind_of(file: Path) -> str | None:
    """Which form of `KEYS` a JSON file has, by a look at its ends; None: none of them."""
    try:
        with file.open("rb") as stream:
            content = stream.read(PIECE)
            if (size := file.stat().st_size) > PIECE:
                stream.seek(max(PIECE, size - PIECE))
                content += stream.read()
    except OSError:
        return None
    keys = set(re.findall(rb'"([A-Za-z_]+)"\s*:', content))
    return next((form for form, needed in KEYS.items() if all(key.encode() in keys for key in needed)), None)


def foreign(tree: Tree) -> str:
    """What annotation files there are, where casnet does not take them; empty if there are none."""
    for file in tree.json:
        try:
            tool = None if kind_of(file) else tool_of(read_json(file))
        except Unfit:
            continue
        if tool:
            return f"{file}: this is {tool.name} ({tool.remedy})"
    if parquet := [file for file in tree.others if file.suffix.lower() == ".parquet"]:
        return f"{parquet[0]}: this is a table of pictures (save its pictures and masks as files)"
    return ""
