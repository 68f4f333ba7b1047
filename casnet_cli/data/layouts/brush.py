"""Label Studio's brush masks: a file a region, which names its picture by the number of the task alone."""

import re
from dataclasses import replace

from casnet_cli.data.layouts.annotated import annotations
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.errors import DataError
from casnet_cli.util.text import count

NAME = re.compile(r"task-\d+-annotation-\d+-by-.*-\d+", re.IGNORECASE)
"""Of such a file, without ending: `task-1-annotation-1-by-1-tag-car-0`."""


def brush(tree: Tree) -> Layout | None:
    """Such masks beside the JSON export, which holds the same regions with the names of pictures and is taken for them.

    Raises DataError if there is no annotation file that names the pictures.
    """
    masks = {file for file in tree.pictures if NAME.fullmatch(file.stem)}
    if not masks:
        return None
    rest = replace(tree, pictures=[file for file in tree.pictures if file not in masks])
    found = annotations(rest) if rest.pictures else None
    many = f"{count(len(masks), 'brush mask')} of Label Studio"
    if found is None:
        first = next(file for file in tree.pictures if file in masks)
        what = f"{many}, such as {tree.relative(first)}, which name their pictures by the number of a task alone"
        raise DataError(f"{tree.root}: {what} (put the project's JSON export beside, and the pictures; or export COCO)")
    return replace(found, evidence=f"{found.evidence}; {many} passed by, as that file names their pictures")
