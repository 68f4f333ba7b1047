"""Parquet and Arrow files, read row by row: a group of rows is in memory at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli.errors import DataError
from casnet_cli.util.extras import install
from casnet_cli.util.parsing import json_of

if TYPE_CHECKING:
    import pyarrow

LFS = b"version https://git-lfs"
"""Beginning of the text that Git LFS leaves in place of a file until it is fetched."""

ARROW = b"ARROW1"
"""Beginning of an Arrow file; a stream has none."""

BUFFER = 1 << 20
"""Bytes of a Parquet file that are read at a time, in place of whole groups of rows."""

ROWS = 16
"""Rows that are taken apart at a time."""

Cell = tuple[bytes | None, str]
"""Content of a picture file, or None, and its name or path, or an empty text."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    """Its name."""
    type: str
    """Its type, in Arrow's words."""
    binary: bool
    """Whether it may hold pictures: bytes, alone or with a path."""
    names: tuple[str, ...] = ()
    """Of a column of lists of classes, the names of the classes."""


class Table:
    """An open table."""

    def __init__(self, schema: "pyarrow.Schema", batches: "Callable[[list[str]], Iterator[pyarrow.RecordBatch]]"):
        """schema: its columns. batches: groups of rows, of these columns at least."""
        self._batches = batches
        classes = _classes(schema.metadata)
        self.columns = [
            Column(field.name, str(field.type), _binary(field.type), classes.get(field.name, ())) for field in schema
        ]

    def rows(self, names: Sequence[str]) -> Iterator[tuple[object, ...]]:
        """Values of these columns, row by row, once."""
        for batch in self._batches(list(names)):
            columns = [batch.column(name) for name in names]
            for row in range(batch.num_rows):
                yield tuple(column[row].as_py() for column in columns)


def check_readable(file: Path) -> None:
    """Raise DataError if pyarrow is not installed, or Git LFS has not fetched the table."""
    if find_spec("pyarrow") is None:
        raise DataError(f"{file}: tables need pyarrow ({install('parquet')})")
    try:
        with file.open("rb") as opened:
            head = opened.read(len(LFS))
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror} (expected a readable file)") from None
    if head == LFS:
        raise DataError(f"{file}: is a pointer of Git LFS and not yet the table (git lfs pull fetches it)")


@contextmanager
def open_table(file: Path) -> Iterator[Table]:
    """Open a Parquet file, or an Arrow file or stream. Raises OSError or one of `faults` if it is damaged."""
    if file.suffix.lower() == ".parquet":
        from pyarrow.parquet import ParquetFile

        with ParquetFile(file, buffer_size=BUFFER, pre_buffer=False) as table:
            yield Table(table.schema_arrow, lambda names: table.iter_batches(ROWS, columns=names, use_threads=False))
        return
    import pyarrow

    with pyarrow.memory_map(str(file)) as source:
        if bytes(source.read(len(ARROW))) == ARROW:
            parts = pyarrow.ipc.open_file(source)
            yield Table(parts.schema, lambda names: map(parts.get_batch, range(parts.num_record_batches)))
        else:
            source.seek(0)
            stream = pyarrow.ipc.open_stream(source)
            yield Table(stream.schema, lambda names: iter(stream))


def faults() -> tuple[type[Exception], ...]:
    """What pyarrow raises for damaged and foreign files, besides OSError."""
    from pyarrow import ArrowException

    return ArrowException, ValueError, KeyError, TypeError, NotImplementedError, EOFError


def cell(value: object) -> Cell:
    """The picture in a value of a column that may hold pictures."""
    if isinstance(value, dict):
        content, path = value.get("bytes"), value.get("path")
        return content or None, path if isinstance(path, str) else ""
    return value if isinstance(value, bytes) and value else None, ""


def _binary(kind: "pyarrow.DataType") -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return any(kind.field(part).name == "bytes" and _binary(kind.field(part).type) for part in range(len(kind)))
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _classes(metadata: dict[bytes, bytes] | None) -> dict[str, tuple[str, ...]]:
    """Names of the classes of each column that lists classes, by Hugging Face's features in a table's metadata."""
    found = {}
    try:
        features = json_of((metadata or {})[b"huggingface"])["info"]["features"]
        for name, feature in features.items():
            inner = feature[0] if isinstance(feature, list) else feature.get("feature")
            if isinstance(inner, dict) and inner.get("_type") == "ClassLabel":
                found[str(name)] = tuple(map(str, inner["names"]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        pass
    return found
