"""Pictures and masks that were unpacked of a table."""

from casnet_cli.data.layouts.class_ids import table_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import missing_partner, read_bytes
from casnet_cli.data.tables.unpack import MASKS, PICTURES, RECORD
from casnet_cli.labels import VOID
from casnet_cli.util.parsing import json_of


def tabled(tree: Tree) -> Layout | None:
    """The folder that `data/tables/` unpacks: `images/train/1.jpg` and `masks/train/1.png`."""
    file = tree.root / RECORD
    if not file.is_file():
        return None
    try:
        record = json_of(read_bytes(file))
        classes = {int(value): str(name) for value, name in record["classes"].items()}
        evidence = str(record["evidence"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # of another program
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
    table = table_of(classes, [VOID], tree.root) if classes else None
    what, settings = "a table of pictures", f"{evidence} {classes}"
    return Layout(what, evidence, tuple(pairs), searched=tree.root / MASKS, table=table, settings=settings)
