"""The pictures of docs/guides/correcting.md, drawn of what casnet writes in a folder of `casnet demo`.

    python tests/helpers/correcting_pictures.py casnet-demo/

writes docs/correcting-circle.jpg and docs/correcting-outlines.png with the newest run of that folder. The screenshots
docs/correcting-label-studio.jpg and docs/correcting-suspect.jpg were taken by hand in Label Studio 1.23.2, of a task of
`casnet predict scenes --save label-studio` and of one of `casnet audit --top 20 --save label-studio`.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from casnet_cli.data.images import colored
from casnet_cli.data.scenes.scenes import draw_scene
from casnet_cli.data.sources.demo import FIRST_UNLABELLED_SEED
from casnet_cli.data.sources.stanford_background import LABELS

DOCS = Path(__file__).parents[2] / "docs"
NUMBER = 6
"""Of the scene: animals on a meadow."""

OBJECT = LABELS.names.index("foreground object")
TOLERANCE = 1.5
CROP, ZOOM = (272, 164, 364, 226), 14
"""Left, upper, right and lower side of what is shown of outlines, and how much larger."""

CAPTION, GAP, FONT = 30, 8, ImageFont.load_default(19)
YELLOW, RED, INK = (255, 214, 0), (215, 0, 70), (30, 30, 30)


def circle(image: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> Image.Image:
    """Photograph, prediction, the animals mended as a person would mend them, and what that changes."""
    animals = (predicted == OBJECT) | (truth == OBJECT)
    mended = np.where(animals, truth, predicted)
    grey = np.asarray(Image.fromarray(image).convert("L").convert("RGB")) // 2 + 110
    changed = np.where((mended != predicted)[..., None], np.array(YELLOW), grey)
    share = (mended != predicted).mean()
    panels = [
        (image, "1  the photograph"),
        (image // 2 + colored(predicted, LABELS) // 2, "2  casnet predict --save label-studio"),
        (image // 2 + colored(mended, LABELS) // 2, "3  three animals mended in the tool"),
        (changed.astype(np.uint8), f"4  drawn by hand: {100 * share:.1f} % of the pixels"),
    ]
    return _sheet([(Image.fromarray(pixels), text) for pixels, text in panels], columns=2)


def outlines(image: np.ndarray, exact: Path, simple: Path) -> Image.Image:
    """A part of the picture with the outlines of two GeoJSON files of it."""
    return _sheet([_outlined(image, exact, "exact"), _outlined(image, simple, f"--simplify {TOLERANCE}")], columns=2)


def _outlined(image: np.ndarray, file: Path, name: str) -> tuple[Image.Image, str]:
    left, upper, right, lower = CROP
    size = (right - left) * ZOOM, (lower - upper) * ZOOM
    picture = Image.fromarray(image[upper:lower, left:right]).resize(size, Image.Resampling.NEAREST)
    draw, corners = ImageDraw.Draw(picture), 0
    for feature in json.loads(file.read_text())["features"]:
        for ring in feature["geometry"]["coordinates"]:
            points = [((x - left) * ZOOM, (y - upper) * ZOOM) for x, y in ring]
            corners += len(ring) - 1
            draw.line(points, fill=RED, width=5)
            for x, y in points:
                draw.rectangle((x - 6, y - 6, x + 6, y + 6), fill="white", outline=INK, width=2)
    half = picture.resize((size[0] // 2, size[1] // 2), Image.Resampling.LANCZOS)
    return half, f"{name}: {corners:,} corners in the picture"


def _sheet(panels: list[tuple[Image.Image, str]], columns: int) -> Image.Image:
    width, height = panels[0][0].size
    rows = -(-len(panels) // columns)
    size = columns * (width + GAP) - GAP, rows * (height + CAPTION + GAP) - GAP
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for number, (picture, text) in enumerate(panels):
        x, y = number % columns * (width + GAP), number // columns * (height + CAPTION + GAP)
        draw.text((x + 2, y + 3), text, INK, FONT)
        sheet.paste(picture, (x, y + CAPTION))
    return sheet


def main(demo: Path) -> None:
    from casnet_cli.runs import locate
    from casnet_cli.workflows.predict.options import PredictOptions
    from casnet_cli.workflows.predict.session import predict

    os.chdir(demo)
    run, photo = locate.newest_run(), Path(f"scenes/photo-{NUMBER:02d}.jpg")
    with tempfile.TemporaryDirectory() as scratch:
        for simplify in (0.0, TOLERANCE):
            out = Path(scratch, str(simplify))
            predict([photo], run, PredictOptions(out=out, save=("geojson",), simplify=simplify))
        exact, simple = (Path(scratch, str(each), photo.stem) for each in (0.0, TOLERANCE))
        predicted = np.asarray(Image.open(exact.with_suffix(".png")))
        image = np.asarray(Image.open(photo).convert("RGB"))
        truth = draw_scene(FIRST_UNLABELLED_SEED + NUMBER)[1]
        circle(image, predicted, truth).save(DOCS / "correcting-circle.jpg", quality=88)
        drawn = outlines(image, exact.with_suffix(".geojson"), simple.with_suffix(".geojson"))
        drawn.quantize(128).save(DOCS / "correcting-outlines.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
