"""HTML pages that are one file and need no network: the only importer of jinja2."""

import base64
import io
from dataclasses import dataclass

import jinja2
import numpy as np
from PIL import Image

from casnet_cli.labels import LabelSet
from casnet_cli.util.text import count, percent
from casnet_cli.util.visible import visible


def _shown(value: object) -> object:
    """What stands in a page for a value: of a text, names of classes and files among them, nothing acts on the page."""
    return visible(value) if type(value) is str else value


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("casnet_cli.reports"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_shown,
)
_templates.filters |= {"percent": percent, "count": count}


@dataclass(frozen=True)
class Picture:
    """A picture inside a page."""

    source: str
    """A data URI."""
    caption: str
    """What it shows, also for those who do not see it."""


def picture(pixels: np.ndarray, caption: str, longest: int = 320) -> Picture:
    """The picture of (H, W, 3) uint8, reduced to at most `longest` pixels a side; JPEG."""
    image = Image.fromarray(pixels)
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return Picture("data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode(), caption)


def flat_picture(ids: np.ndarray, labels: LabelSet, caption: str, longest: int = 320) -> Picture:
    """The picture of (H, W) class ids in the palette's colours, void black; PNG."""
    image = Image.fromarray(ids.astype(np.uint8), "P")
    image.putpalette(labels.flat_palette())
    factor = min(1.0, longest / max(image.size))
    image = image.resize([max(1, round(side * factor)) for side in image.size], Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return Picture("data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(), caption)


def render(template: str, **values: object) -> str:
    """The text of a page from `templates/`; bytes of names that are no UTF-8 become escapes."""
    text = _templates.get_template(template).render(**values)
    return text.encode("utf-8", "backslashreplace").decode()
