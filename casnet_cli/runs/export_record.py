"""export.json as models, and the proof of a file that another program runs: a docstring under each key describes it."""

from typing import Annotated

from pydantic import Field

from casnet_cli.runs.json_record import Inside, Record, Text

ImageSize = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]
"""Height and width in pixels."""


class ExportProof(Record):
    """How an exported file and Keras compare on the same images."""

    images: int
    """Images compared."""
    pixels_equal: float
    """Share of pixels with the same class."""
    difficulty_farthest: float
    """Largest difference of a pixel's difficulty."""
    pixel_accuracy: float
    """Pixel accuracy of the file; a fraction."""
    pixel_accuracy_difference: float
    """Minus that of Keras."""
    mean_iou: float
    """Mean IoU of the file; a fraction."""
    mean_iou_difference: float
    """Minus that of Keras."""
    worst_image: Text
    """Name of the image with the fewest equal pixels."""
    worst_image_pixels_equal: float
    """Its share of equal pixels."""
    seconds_per_image: float
    """Median time of the file for an image."""
    keras_seconds_per_image: float
    """Median time of Keras for an image."""
    within_limits: bool
    """Whether the file keeps the limit of its precision."""


class ExportRecord(Record):
    """export.json: what an exported network is, and its proof. Palette to calibration are those of the checkpoint."""

    format: str | None = None
    """`casnet-export`."""
    version: int | None = None
    """Version of the format of exported files."""
    casnet: str | None = None
    """Version of casnet."""
    run: Text | None = None
    """The run that was exported."""
    checkpoint_sha256: str
    """Digest of the checkpoint's file."""
    precision: str
    """`float32`, `float16` or `int8`."""
    size: ImageSize | None
    """Height and width of the images that the file takes; null: any."""
    inputs: dict[str, str] = {}
    """Inputs by name: shape and type."""
    outputs: dict[str, str] = {}
    """Outputs by name: shape and type."""
    void: int | None = None
    """Label of void pixels."""
    recipe: str | None = None
    """The recipe, TOML."""
    classes: list[str] = []
    """Names of the classes, in the order of their ids."""
    palette: list[list[int]] = []
    """Colour of each class: red, green, blue, 0 to 255."""
    data: str | None = None
    """The data set, JSON: `name`, `sha256`, `fold`."""
    progress: str | None = None
    """The training's progress, JSON: `step`, `sums`, `history`."""
    schedule: str | None = None
    """State of the learning rate's schedule, JSON."""
    calibration: str | None = None
    """What was fitted on validation images after training, JSON; the key is missing if nothing was."""
    intensities: str | None = None
    """Type, bands, range and value for no data of the images, JSON; the key is missing for 8-bit RGB."""
    opset: int | None = None
    """Version of the ONNX operators; null for another format."""
    file: Inside
    """The exported file, relative to its folder; of two files the first."""
    bytes: dict[str, int]
    """Size of every file of the folder."""
    proved: bool | None = None
    """Whether the file was compared with Keras and keeps its limits."""
    proof: ExportProof | None
    """The comparison; null: there were no images for it."""
