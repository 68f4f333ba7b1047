"""Lines of manifests as models: a docstring under each key describes it. Only numbers that are finite fit."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from casnet_cli.runs.json_record import Record, Text

LAST_CALL = 2**53
"""No number of a call is as large: others than Python read it exactly."""

Pixels = Annotated[int, Field(ge=0, lt=2**31)]
"""A number of pixels along a side."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A share, or a mean of shares."""


class ManifestLine(Record):
    """A line of manifest.jsonl: what became of one input of `casnet predict`. The later line of an input counts; of
    several manifests that with the larger `call`."""

    model_config = ConfigDict(allow_inf_nan=False)

    file: Text
    """The input, as it was named or found."""
    status: Literal["ok", "failed"]
    """Whether its files were written."""
    error: Text | None
    """Why it failed; null: it did not."""
    width: Pixels | None
    """Width of the image in pixels, turned by its EXIF tag; null: it failed."""
    height: Pixels | None
    """Its height in pixels."""
    mask: Text | None
    """The mask, relative to the output folder; of a video the folder of masks; null: none was written."""
    classes: dict[str, Share] | None
    """Share of each class that occurs in the pixels, 0 to 1."""
    difficulty_mean: Share | None
    """Mean difficulty of the pixels, 0 to 1."""
    confidence_mean: Share | None
    """Mean of the largest probability, calibrated, 0 to 1; null: the network does not give it."""
    seconds: float | None
    """Time that labelling and writing took."""
    made_with: str | None
    """Digest of the checkpoint and of the options that decide a result."""
    input: str | None
    """Digest of the input's size and time; null: it came by standard input, or failed."""
    outputs: list[str] | None
    """Endings of the files written, the mask's last; of a video those of each frame, and its overlay's."""
    time: float
    """When the line was written, in seconds since 1970."""
    frames: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Frames of a video; the key is missing for an image."""
    rejected: Share | None = None
    """Share of pixels made void by `--reject-below`; the key is missing without it."""
    georeferenced: bool | None = None
    """True: the input says where on the earth it lies; else the key is missing."""
    overlay_step: int | None = None
    """The overlay of a very large image shows one pixel of so many, across and down; else the key is missing."""
    mask_digest: str | None = None
    """The first 16 digits of the sha256 of the mask's file; the key is missing for a video."""
    stale: Text | None = None
    """The mask that an earlier call made of an input which failed now, moved away; else the key is missing."""
    call: Annotated[int, Field(ge=0, lt=LAST_CALL)] = 0
    """Number of the call that wrote the line, one above the largest in the folder; lines of old versions have none."""
    engine: str | None = None
    """What predicted: `keras`, `onnx` or `litert`; the key is missing for an input that failed."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Whether what the status promises is there."""
        needed = (self.width, self.height, self.classes, self.difficulty_mean, self.made_with, self.outputs)
        if self.status == "ok" and None in needed:
            raise ValueError("status is ok, and something is null that it needs")
        if self.status == "failed" and not (self.mask is None and self.outputs is None):
            raise ValueError("status is failed, and the line names files")
        return self


class HardBox(Record):
    """A connected region of hard pixels."""

    model_config = ConfigDict(allow_inf_nan=False)

    x: Pixels
    """First column."""
    y: Pixels
    """First row."""
    width: Pixels
    """Columns."""
    height: Pixels
    """Rows."""
    pixels: int
    """Pixels of the region in its box."""
    difficulty: float
    """Their mean difficulty, 0 to 1."""
    class_: str = Field(alias="class")
    """Their most common class."""


class RankedLine(Record):
    """A line of the manifest of `casnet rank`: the scores of one image."""

    model_config = ConfigDict(allow_inf_nan=False)

    file: Text
    """The image."""
    status: Literal["ok", "failed"]
    """Whether it has scores."""
    error: Text | None
    """Why it failed; null: it did not."""
    width: Pixels | None
    """Width of the image in pixels; null: it failed, and so are the scores."""
    height: Pixels | None
    """Its height in pixels."""
    mask: None
    """No files are written."""
    difficulty: float | None = None
    """Mean difficulty of the pixels, 0 to 1."""
    entropy: float | None = None
    """Mean entropy of the pixels, 0 to 1."""
    margin: float | None = None
    """Mean of 1 less the lead of the first class on the second, 0 to 1."""
    hard_share: float | None = None
    """Share of the pixels that are rather wrong than right."""
    classes: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] | None
    """Of each class that occurs its share of the pixels and its share of the difficulty."""
    regions: list[HardBox] | None = None
    """Connected regions of hard pixels."""
    features: str | None = None
    """Features of the backbone, base64 of float16."""
    made_with: str | None
    """Digest of the checkpoint and of the way of scoring."""
    input: str | None
    """Digest of the image's size and time."""
    outputs: Annotated[list[str], Field(max_length=0)] | None
    """No files are written."""
    time: float
    """When the line was written, in seconds since 1970."""
    call: Annotated[int, Field(ge=0, lt=LAST_CALL)] = 0
    """Number of the call that wrote the line; lines of old versions have none."""
    engine: str | None = None
    """What predicted: `keras`, `onnx` or `litert`; the key is missing for an input that failed."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Whether what the status promises is there."""
        needed = (self.width, self.difficulty, self.entropy, self.margin, self.hard_share, self.classes)
        if self.status == "ok" and None in (*needed, self.height, self.regions, self.features, self.made_with):
            raise ValueError("status is ok, and something is null that it needs")
        return self
