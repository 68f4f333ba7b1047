"""What an exported file says of itself, and where: in ONNX's metadata, in an archive behind a LiteRT file."""

import json
import zipfile
from pathlib import Path
from typing import Any

from casnet_cli import __version__
from casnet_cli.errors import RunError, reason
from casnet_cli.labels import VOID
from casnet_cli.runs.checkpoint import attributes_of
from casnet_cli.runs.trained import TrainedRun

FORMAT, VERSION = "casnet-export", 1
INSIDE = "casnet.json"
"""Name of the description in an archive, and in a SavedModel's `assets.extra`."""

WHOLE = "casnet_export"
FOR_OTHERS = ("casnet", "run", "classes", "palette", "void", "inputs", "outputs", "precision")
"""Properties of an ONNX file: the description, and parts of it by themselves."""

FOREIGN = "not a model exported by casnet (casnet export writes one)"

IMAGE = "(B, H, W, 3) uint8 RGB"
SAYS = {
    "mask": "(B, H, W) uint8, class ids",
    "difficulty": "(B, H, W) float32 0..1",
    "probabilities": "(B, H, W, K) float32",
}
SUFFIXES = {".onnx": "onnx", ".tflite": "litert"}
"""Endings of files that hold a network, and the engine that asks it."""


def describe(run: TrainedRun, sha256: str, precision: str, size: tuple[int, int] | None, tells: bool) -> dict[str, Any]:
    """Classes, colours, void, run and version, and all of the checkpoint's meta. sha256: of the checkpoint's file."""
    outputs = {name: text for name, text in SAYS.items() if tells or name != "probabilities"}
    return {
        "format": FORMAT,
        "version": VERSION,
        "casnet": __version__,
        "run": run.title,
        "checkpoint_sha256": sha256,
        "precision": precision,
        "size": list(size) if size else None,
        "inputs": {"image": IMAGE},
        "outputs": outputs,
        "void": VOID,
        **attributes_of(run.meta),
    }


def put_into_onnx(model: Any, description: dict[str, Any]) -> None:
    """As metadata properties: all of it as JSON, and by itself what other programs may want."""
    entries = {WHOLE: description} | {name: description[name] for name in FOR_OTHERS}
    for name, value in entries.items():
        model.metadata_props.add(key=name, value=value if isinstance(value, str) else json.dumps(value))


def put_behind(file: Path, description: dict[str, Any]) -> None:
    """As an archive behind the file's own content, where LiteRT's metadata keep their files."""
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(INSIDE, json.dumps(description, indent=2))


def of_onnx(metadata: dict[str, str], file: Path) -> dict[str, Any]:
    """From metadata properties. Raises RunError for a model that is not casnet's."""
    try:
        return _checked(json.loads(metadata[WHOLE]), file)
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{file}: {FOREIGN}") from None


def of_litert(file: Path) -> dict[str, Any]:
    """Raises RunError for a model that is not casnet's."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _checked(json.loads(archive.read(INSIDE)), file)
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise RunError(f"{file}: {FOREIGN}") from None
    except OSError as error:
        raise RunError(f"{file}: cannot be read: {reason(error)}") from None


def _checked(description: Any, file: Path) -> dict[str, Any]:
    if description["format"] != FORMAT or not {"outputs", "size", "checkpoint_sha256"} <= description.keys():
        raise KeyError("format")
    if not isinstance(description["version"], int) or description["version"] > VERSION:
        raise RunError(f"{file}: exported by a newer casnet (this one reads version {VERSION})")
    return description
