"""A line of a manifest in memory."""

from typing import TypedDict


class ManifestEntry(TypedDict, total=False):
    """A line in memory; `ManifestLine` describes its keys. A plain dictionary, as there may be a million of them."""

    file: str
    """The input, as it was named or found."""
    status: str
    """`ok`, or `failed`, with None from width to outputs."""
    error: str | None
    """Why it failed."""
    width: int
    """In pixels, turned by its EXIF tag."""
    height: int
    """In pixels."""
    mask: str | None
    """The mask, or a video's folder of masks, relative to the output folder; None: none was written."""
    classes: dict[str, float]
    """Share of each class in the pixels, 0..1."""
    difficulty_mean: float
    """Mean over the pixels, 0..1."""
    confidence_mean: float | None
    """Mean of the largest probability, 0..1; None: the network does not give it."""
    seconds: float
    """Time that labelling and writing took."""
    made_with: str
    """Digest of the checkpoint and of the options that decide a result."""
    input: str | None
    """Digest of the input's size and time."""
    outputs: list[str]
    """Endings of the files written."""
    time: float
    """When the line was written, in seconds since 1970."""
    frames: int
    """Of a video."""
    rejected: float
    """Share of pixels made void by `--reject-below`."""
    georeferenced: bool
    """True: the input lies somewhere on the earth."""
    overlay_step: int
    """The overlay shows one pixel of so many, across and down."""
    mask_digest: str
    """Of the mask's file."""
    stale: str
    """The mask of an earlier call, moved out of the way."""
    call: int
    """Number of the call that wrote the line, from 1."""
    engine: str
    """What predicted: keras, onnx, litert."""
