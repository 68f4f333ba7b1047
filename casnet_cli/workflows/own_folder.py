"""The folder of one's own data, where these are an archive or tables of pictures: unpacked for a while."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from casnet_cli.data.archives import open_archive
from casnet_cli.data.tables.files import is_table, tables_of
from casnet_cli.data.tables.unpack import unpacked_tables
from casnet_cli.errors import CasnetError, DataError, InputError
from casnet_cli.workflows.own_options import TABLE, FolderOptions


@contextmanager
def opened(path: Path, scratch: Path, options: FolderOptions) -> Iterator[tuple[Path, FolderOptions]]:
    """The folder, below `scratch` if something is unpacked, and the options that hold for it.

    Of tables `--images` and `--masks` name columns. Faults of the block name `path` in place of the folder. Raises
    DataError as `open_archive` and `unpacked_tables` do, and InputError if one column is named and the other is not.
    """
    with ExitStack() as stack:
        root = path if is_table(path) else stack.enter_context(open_archive(path, scratch))
        if tables := tables_of(root):
            if (options.images is None) != (options.masks is None):
                raise InputError("name both columns of the table by --images and --masks, or neither")
            columns = (str(options.images), str(options.masks)) if options.images and options.masks else None
            given, root = root / TABLE, stack.enter_context(unpacked_tables(tables, root, scratch, columns))
            if given.is_file():
                shutil.copyfile(given, root / TABLE)
            options = replace(options, images=None, masks=None)
        try:
            yield root, options
        except CasnetError as error:
            if root == path:
                raise
            raise DataError(*(fault.replace(str(root), str(path)) for fault in error.faults)) from None
