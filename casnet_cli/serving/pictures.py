"""A picture becomes a prediction, and the prediction an answer: JSON, the mask as PNG, or outlines as GeoJSON."""

import base64
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from starlette.exceptions import HTTPException

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.limits import SERVED_PIXELS
from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.data.pixels.take import shown
from casnet_cli.errors import reason
from casnet_cli.inference.protocol import Predictor
from casnet_cli.inference.stored_pixels import void_where
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.prediction.geojson_format import geojson
from casnet_cli.prediction.image_pipeline import OUT_OF_MEMORY, check_memory, is_out_of_memory
from casnet_cli.prediction.image_result import ImageResult
from casnet_cli.prediction.inputs import STDIN
from casnet_cli.prediction.picture_reader import PictureReader

LONGEST_SHOWN = 1600
"""Pixels of the longer side of a picture that is sent back to be looked at."""


@dataclass(frozen=True)
class Network:
    """A trained network that answers."""

    predictor: Predictor
    """The network."""
    labels: LabelSet
    """Its classes."""
    intensities: Intensities = PLAIN
    """Of the pictures that it was trained on."""
    title: str = ""
    """For the user: the run."""


@dataclass(frozen=True)
class Wish:
    """What an answer is to hold."""

    reject_below: float = 0.0
    """Pixels of a lower confidence, taken as a multiple of 1/255, become void; 0: none."""
    picture: bool = False
    """Whether JSON also holds the picture itself, to be looked at."""


@dataclass(frozen=True)
class PredictedPicture:
    """A picture and its prediction."""

    image: np.ndarray
    """(H, W, N) as the network takes it."""
    result: ImageResult
    """Classes, difficulty and, unless the network gives none, confidence of each pixel."""
    network: Network
    """The network."""
    notes: tuple[str, ...]
    """What was decided where the file leaves it open."""
    georeference: Georeference | None
    """Where it lies on the earth; None: that is not known."""
    seconds: float
    """That reading and prediction took."""


def predicted(content: bytes, network: Network) -> PredictedPicture:
    """The prediction for the content of a picture file. Raises HTTPException."""
    began = time.perf_counter()
    reader = PictureReader(network.intensities)
    try:
        facts = reader.facts(content, STDIN)
        pixels = facts.size[0] * facts.size[1]
        if pixels > SERVED_PIXELS:
            limit = f"{SERVED_PIXELS / 1e6:.0f} are the limit here; casnet predict takes larger pictures"
            raise HTTPException(413, f"{pixels / 1e6:.1f} megapixels ({limit})")
        check_memory(pixels, reader.pixel_cost)
        image, gaps = reader.decoded(content, facts)
    except UNREADABLE as error:
        raise HTTPException(400, f"picture: {reason(error)}") from None
    except MemoryError as error:
        raise HTTPException(413, reason(error)) from None
    try:
        result = _result(image, gaps, network)
    except ValueError as error:  # an export for one size
        raise HTTPException(422, f"picture: {reason(error)}") from None
    notes = tuple(remark.text for remark in reader.remarks.all())
    return PredictedPicture(image, result, network, notes, facts.georeference, time.perf_counter() - began)


def _result(image: np.ndarray, gaps: np.ndarray | None, network: Network) -> ImageResult:
    """Raises ValueError, HTTPException."""
    prepared = network.predictor.prepare(image)
    result = None
    try:
        for rows, columns, found in next(network.predictor.predict_blocks([prepared])):
            if result is None:
                needs = {"confidence"} & found.keys()
                result = ImageResult.empty(image.shape[:2], len(network.labels), 0.0, needs)
            result.add(rows, columns, found if gaps is None else void_where(gaps[rows, columns], found))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise HTTPException(413, OUT_OF_MEMORY) from None
    assert result is not None
    return result


def _mask(picture: PredictedPicture, wish: Wish) -> np.ndarray:
    """(H, W) uint8 class ids, void where rejected. Raises HTTPException."""
    result = picture.result
    if not wish.reject_below:
        return result.mask
    if result.confidence is None:
        raise HTTPException(400, "reject_below: this network gives no confidence")
    return np.where(result.confidence < 255 * wish.reject_below, np.uint8(VOID), result.mask)


def _png(pixels: np.ndarray, palette: list[int] | None = None) -> bytes:
    """(H, W) uint8 as a grey or palette PNG."""
    image = Image.fromarray(pixels)
    if palette:
        image.putpalette(palette)
    return _encoded(image, "PNG", compress_level=1)


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _uri(content: bytes, media: str) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode()}"


def _as_json(picture: PredictedPicture, wish: Wish) -> bytes:
    mask, result, labels = _mask(picture, wish), picture.result, picture.network.labels
    counts = np.bincount(mask.ravel(), minlength=256)
    grey = {"mask": mask, "difficulty": result.difficulty, "confidence": result.confidence}
    answer: dict[str, object] = {
        "width": mask.shape[1],
        "height": mask.shape[0],
        "classes": {
            name: round(int(number) / mask.size, 6)
            for name, number in zip(labels.names, counts, strict=False)
            if number
        },
        "void": round(int(counts[VOID]) / mask.size, 6),
        "difficulty_mean": round(result.difficulty_mean, 6),
        "confidence_mean": None if result.confidence_mean is None else round(result.confidence_mean, 6),
        "seconds": round(picture.seconds, 4),
        "notes": picture.notes,
    }
    answer |= {name: None if x is None else _uri(_png(x), "image/png") for name, x in grey.items()}
    if wish.picture:
        image = Image.fromarray(shown(picture.image, picture.network.intensities))
        image.thumbnail((LONGEST_SHOWN, LONGEST_SHOWN), Image.Resampling.BOX)
        answer["picture"] = _uri(_encoded(image, "JPEG", quality=85), "image/jpeg")
    return json.dumps(answer).encode()


def _as_png(picture: PredictedPicture, wish: Wish) -> bytes:
    return _png(_mask(picture, wish), picture.network.labels.flat_palette())


def _as_geojson(picture: PredictedPicture, wish: Wish) -> bytes:
    mask, labels = _mask(picture, wish), picture.network.labels
    return json.dumps(geojson(mask, labels, picture.result.difficulty, picture.georeference)).encode()


FORMS: dict[str, Callable[[PredictedPicture, Wish], bytes]] = {
    "application/json": _as_json,
    "image/png": _as_png,
    "application/geo+json": _as_geojson,
}
"""The answer's content by its media type; the first is the one of a request that asks for none."""
