"""The forms of annotations that lie in a folder, a file a picture: one row a form.

A further tool costs a file beside this one with a function like `source_of_labelme`, and a row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from casnet_cli.data.annotations.class_table import ClassTable
from casnet_cli.data.sources import geojson_files, labelme_files
from casnet_cli.data.sources.base import Source, files_below
from casnet_cli.data.sources.folder import Origin


@dataclass(frozen=True)
class AnnotationForm:
    """A form of annotations with a file for each picture."""

    name: str
    """Of the tool."""
    endings: tuple[str, ...]
    """Of its files, in small letters."""
    source: Callable[[Origin, Path, ClassTable | None], Source]
    """The source of images and a folder of such files, with a table of classes or without. Raises DataError."""


ANNOTATION_FORMS = {
    form.name: form
    for form in (
        AnnotationForm("LabelMe", labelme_files.ENDINGS, labelme_files.source_of_labelme),
        AnnotationForm("GeoJSON", geojson_files.ENDINGS, geojson_files.source_of_geojson),
    )
}
"""Every form by its name."""


def form_of(folder: Path, more_than: int = 0) -> AnnotationForm | None:
    """The form of most of a folder's files; None if no form has more than so many."""
    numbers = {name: len(files_below(folder, form.endings, once=False)) for name, form in ANNOTATION_FORMS.items()}
    most = max(numbers, key=lambda name: numbers[name])
    return ANNOTATION_FORMS[most] if numbers[most] > more_than else None
