"""Pictures and masks that were unpacked of a table."""

import json

from casnet_cli.data.layouts.class_ids import table_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import missing_partner, read_bytes
from casnet_cli.data.tables.unpack import MASKS, PICTURES, RECORD
from casnet_cli.labels import VOID


def tabled(tree: Tree) -> Layout | None:
    """The folder that `data/tables/` unpacks: `images/train/1.jpg` and `masks/train/1.png`."""
    file = tree.root / RECORD
    if not file.is_file():
        return None
    record = json.loads(read_bytes(file))
    inside = {
        part: {
            one.relative_to(tree.root / part).with_suffix("").as_posix(): one
            for one in tree.pictures
            if one.is_relative_to(tree.root / part)
        }
        for part in (PICTURES, MASKS)
    }
    pairs = []
    for name, image in inside[PICTURES].items():
        label = inside[MASKS].get(name)
        fault = None if label else missing_partner(image, None, tree.root / MASKS)
        pairs.append(FilePair(name, image, label, fault))
    classes = {int(value): name for value, name in record["classes"].items()}
    table = table_of(classes, [VOID], tree.root) if classes else None
    what, evidence = "a table of pictures", record["evidence"]
    return Layout(
        what, evidence, tuple(pairs), searched=tree.root / MASKS, table=table, settings=f"{evidence} {classes}"
    )
