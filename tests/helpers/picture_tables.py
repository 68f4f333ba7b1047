"""Tables of pictures, as Hugging Face's data sets have them."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

CELL = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""Type of a column of pictures."""

Cells = Sequence[dict[str, bytes | str | None] | None]


def png(values: np.ndarray) -> bytes:
    """A PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def photo(seed: int) -> bytes:
    """A colour picture of 8x6 pixels."""
    return png(np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8))


def mask(seed: int, classes: int = 3) -> bytes:
    """A grey mask of 8x6 pixels, each class in it."""
    return png(((np.arange(48) + seed) % classes).astype(np.uint8).reshape(6, 8))


def cells(contents: Sequence[bytes | None], names: Sequence[str | None] = ()) -> Cells:
    """Values of a column of pictures; None: the row has none."""
    named = names or [None] * len(contents)
    return [content and {"bytes": content, "path": name} for content, name in zip(contents, named, strict=True)]


def write_table(
    file: Path, columns: dict[str, Cells], features: dict[str, object] | None = None, **more: pa.Array
) -> Path:
    """A Parquet file of these columns of pictures and others. features: Hugging Face's, by column."""
    arrays = {name: pa.array(values, CELL) for name, values in columns.items()} | more
    table = pa.table(arrays)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, file, row_group_size=2)
    return file


def write_pairs(file: Path, seeds: Sequence[int], picture: str = "image", masked: str = "label") -> Path:
    """A Parquet file of a picture and a mask for each seed, the pictures with names."""
    names = [f"photo {seed}.png" for seed in seeds]
    return write_table(
        file, {picture: cells([photo(seed) for seed in seeds], names), masked: cells([mask(seed) for seed in seeds])}
    )
