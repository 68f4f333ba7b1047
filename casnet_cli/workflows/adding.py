"""`casnet prepare --add`: the options that hold for pictures that are added to a prepared file."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli.data.pixels.options import PictureOptions
from casnet_cli.errors import InputError
from casnet_cli.paths import existing_data
from casnet_cli.workflows.own_options import FolderOptions

if TYPE_CHECKING:
    from casnet_cli.data.addition import Addition
    from casnet_cli.data.sources.base import Source

DIVIDING = "leave out fractions, --split-files and --folds: new pictures go to train, others stay where they are"
DECIDED = "leave out --range, --bands and --nodata: those of the file hold"


def options_with(options: FolderOptions, add: Path) -> FolderOptions:
    """The options, with what the prepared file `add` decides. Raises InputError for options that would decide it too,
    and DataError as `Store` does."""
    pictures = options.pictures
    wrong = {
        "--add with --propose: only one of them": options.propose,
        "--add: leave out --name: the name of the file holds": options.name is not None,
        f"--add: {DIVIDING}": options.divided,
        f"--add: {DECIDED}": pictures != PictureOptions(resize_masks=pictures.resize_masks),
    }
    if fault := next((fault for fault, given in wrong.items() if given), None):
        raise InputError(fault)
    existing_data(add)  # a mistake here shows before the slower imports
    from casnet_cli.data.store import Store

    store = Store(add)
    ours = store.intensities
    ends = [f"{low!r}:{high!r}" for low, high in zip(ours.low, ours.high, strict=True)]
    pictures = PictureOptions(
        None if ours.plain else ",".join(ends),
        ",".join(map(str, ours.chosen)) if ours.chosen else None,
        math.nan if ours.nodata is None else ours.nodata,
        pictures.resize_masks,
    )
    return replace(options, pictures=pictures, add=add, labels=store.labels)


def addition_of(source: "Source", options: FolderOptions) -> "Addition":
    """The source, to be added. Raises DataError if its classes are others."""
    from casnet_cli.data.addition import Addition
    from casnet_cli.data.store import Store

    assert options.add is not None
    return Addition(Store(options.add), source, options.group_by)
