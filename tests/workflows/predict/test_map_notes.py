"""What is said of pictures on the earth, once for all of them."""

from typing import Any

from casnet_cli.prediction.geotiff_format import missing
from casnet_cli.workflows.predict.map_notes import map_notes


def line(*outputs: str, **keys: Any) -> Any:
    return {"status": "ok", "outputs": [*outputs, ".png"], **keys}


def test_each_kind_is_counted() -> None:
    lines = [
        line(),
        line(".tif", georeferenced=True),
        line(".tif", georeferenced=True, overlay_step=3),
        line(georeferenced=True),
        line(".tif"),
        {"status": "failed", "outputs": None},
    ]
    assert map_notes(lines) == [
        "2 georeferenced pictures: mask and difficulty also as GeoTIFF, where the picture lies",
        f"1 georeferenced picture: labelled as PNG alone: {missing()}",
        "1 large picture: read by windows, and its overlay reduced (overlay_step in the manifest)",
        "1 TIFF without georeference, as the pictures have none",
    ]


def test_ordinary_pictures_are_not_spoken_of() -> None:
    assert map_notes([line(), line(".geojson")]) == []
