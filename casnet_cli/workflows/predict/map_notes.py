"""What `casnet predict` says of pictures that lie on the earth, and of large ones: once, of all together."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from casnet_cli.prediction import geotiff_format
from casnet_cli.prediction.output_kinds import GEOTIFF, OUTPUT_KINDS
from casnet_cli.util.text import count

if TYPE_CHECKING:
    from casnet_cli.prediction.manifest_entry import ManifestEntry


def map_notes(entries: "Iterable[ManifestEntry]") -> list[str]:
    """Sentences for the user. entries: the lines of the manifest of this call."""
    placed = unwritten = nowhere = reduced = 0
    for entry in entries:
        written = OUTPUT_KINDS[GEOTIFF].ending in (entry.get("outputs") or ())
        georeferenced = entry.get("georeferenced", False)
        placed += written and georeferenced
        unwritten += georeferenced and not written
        nowhere += written and not georeferenced
        reduced += "overlay_step" in entry
    found = {
        "mask and difficulty also as GeoTIFF, where the picture lies": (placed, "georeferenced picture"),
        f"labelled as PNG alone: {geotiff_format.missing()}": (unwritten, "georeferenced picture"),
        "read by windows, and its overlay reduced (overlay_step in the manifest)": (reduced, "large picture"),
    }
    notes = [f"{count(number, what)}: {text}" for text, (number, what) in found.items() if number]
    return notes + ([f"{count(nowhere, 'TIFF')} without georeference, as the pictures have none"] if nowhere else [])
