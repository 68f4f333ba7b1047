"""How much a call of `casnet predict` will write, estimated before it does."""

import contextlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.pixels.read import info_of
from casnet_cli.prediction.inputs import STDIN, Job
from casnet_cli.prediction.output_kinds import OUTPUT_KINDS
from casnet_cli.util.space import SpaceNeeded
from casnet_cli.util.text import count

if TYPE_CHECKING:
    from casnet_cli.prediction.outputs import Outputs

LOOKED_AT = 40
"""Pictures whose sizes are read, at most."""

SMALLEST = 64
"""Bytes of the smallest file of a kind."""


def space_of(jobs: Sequence[Job], outputs: "Outputs") -> SpaceNeeded | None:
    """The bytes of the outputs of some jobs; None if no picture among them has a size that can be read.

    Estimated by the sizes of some pictures, spread over all, and the bytes that each kind of output has per pixel.
    Files of videos and of all pictures together do not count.
    """
    pictures = [job for job in jobs if not (job.video or job.fault or job.file == STDIN)]
    written = [
        pixels * _bytes_per_pixel(job, outputs)
        for job in pictures[:: -(-len(pictures) // LOOKED_AT) or 1]
        if (pixels := _pixels(job))
    ]
    if not written:
        return None
    files = sum(len(outputs.kinds(job.maybe_georeferenced)) for job in pictures)
    least = SMALLEST * files
    likely = max(least, round(len(pictures) * sum(written) / len(written)))
    videos = sum(job.video for job in jobs)
    basis = f"the sizes of {len(written)} of {count(len(pictures), 'picture')}"
    return SpaceNeeded(least, likely, f"{basis} ({count(videos, 'video')} not counted)" if videos else basis)


def _bytes_per_pixel(job: Job, outputs: "Outputs") -> float:
    kinds = [OUTPUT_KINDS[name] for name in outputs.kinds(job.maybe_georeferenced)]
    return sum(kind.written + kind.written_per_class * len(outputs.labels) for kind in kinds)


def _pixels(job: Job) -> int:
    """Pixels of a picture, by its header; 0 if that cannot be read: labelling it will say so."""
    with contextlib.suppress(*UNREADABLE):
        return math.prod(info_of(job.file).size)
    return 0
