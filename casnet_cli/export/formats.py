"""The export formats, by name. A new one is a file with an `ExportFormat`, and its row in `FORMATS`."""

from pathlib import Path

from casnet_cli.export import litert_format, onnx_format, saved_model_format
from casnet_cli.export.base import ExportFormat

FORMATS: dict[str, ExportFormat] = {
    each.name: each for each in (onnx_format.FORMAT, litert_format.FORMAT, saved_model_format.FORMAT)
}


def engines() -> dict[str, ExportFormat]:
    """The formats whose files `casnet predict` takes, by the name of their engine."""
    return {name: each for name, each in FORMATS.items() if each.open_session}


def format_of(file: Path) -> ExportFormat | None:
    """The format of an exported file, by its ending, or by its name where that has none; None for another file."""
    for each in FORMATS.values():
        suffix = Path(each.file).suffix
        if file.suffix == suffix if suffix else file.name == each.file:
            return each
    return None


def engine_of(file: Path) -> str | None:
    """The engine that runs an exported file; None for another file."""
    kind = format_of(file)
    return kind.name if kind and kind.open_session else None
