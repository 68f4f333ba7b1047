"""Which files are written for an image, and writing them: each file whole or not at all, the mask last."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from casnet_cli.data.pixels.picture import Georeference
from casnet_cli.errors import reason
from casnet_cli.labels import VOID, LabelSet
from casnet_cli.prediction import geotiff_format
from casnet_cli.prediction.image_result import ImageResult
from casnet_cli.prediction.inputs import STDIN, Job
from casnet_cli.prediction.manifest_entry import ManifestEntry
from casnet_cli.prediction.mask_values import PALETTE, MaskValues, resolve_mask_values
from casnet_cli.prediction.output_files import check_place, digest_of
from casnet_cli.prediction.output_kinds import (
    ALWAYS,
    DIFFICULTY,
    GEOTIFF,
    OUTPUT_KINDS,
    OVERLAY,
    VIDEO_OVERLAY,
    LabelledPicture,
    needs_of,
    with_companions,
)
from casnet_cli.prediction.writers import Unsaved, refused, step_between
from casnet_cli.runs.manifest_record import ManifestLine
from casnet_cli.util import memory


@dataclass(frozen=True)
class Outputs:
    """The output folder of `casnet predict`, and what is written into it."""

    folder: Path
    """Output folder."""
    labels: LabelSet
    """Classes of the run."""
    identity: str
    """Digest of the run and of the options that decide a result; results of another identity are made anew."""
    overlay: bool = True
    """Whether the image with the classes' colours laid over is written too."""
    resume: bool = True
    """Whether results of earlier calls count."""
    difficulty: bool = True
    """Whether files of the difficulty are written too."""
    extra: tuple[str, ...] = ()
    """Further kinds of outputs, by their names in `OUTPUT_KINDS`."""
    together: tuple[str, ...] = ()
    """Kinds of files that hold all images, by their names in `FOLDER_KINDS`."""
    simplify: float = 0.0
    """How far outlines may lie from the borders of pixels, in pixels; 0: they are exact."""
    reject_below: float = 0.0
    """Pixels of a lower confidence become void; 0: none."""
    chosen_mask_values: MaskValues | None = None
    """What the pixels of masks hold; None: class ids with a palette."""
    coordinates: str | None = None
    """Of outlines, see `LabelledPicture.coordinates`."""

    @cached_property
    def mask_values(self) -> MaskValues:
        """What the pixels of masks hold."""
        return self.chosen_mask_values or resolve_mask_values(PALETTE, self.labels, rejecting=False)

    def kinds(self, georeferenced: bool = False) -> list[str]:
        """Names of the kinds of files that are written for an image, in this order.

        georeferenced: whether it lies somewhere on the earth; then GeoTIFFs are written where that is possible.
        """
        *always, mask = ALWAYS
        by_itself = [GEOTIFF] if georeferenced and GEOTIFF not in self.extra and geotiff_format.available() else []
        left_out = (() if self.overlay else (OVERLAY,)) + (() if self.difficulty else DIFFICULTY)
        names = (*always, *with_companions((*self.extra, *by_itself)), mask)
        return [name for name in names if name not in left_out]

    @cached_property
    def needs(self) -> frozenset[str]:
        """What must be kept of a prediction beside mask and difficulty."""
        return needs_of(self.kinds())

    @property
    def line_model(self) -> type[ManifestLine]:
        """What a line of the manifest must fit."""
        return ManifestLine

    def mask_name(self, job: Job) -> str:
        """The mask as the manifest names it; of a video the folder of masks."""
        return job.output(Path(), "" if job.video else OUTPUT_KINDS["mask"].ending).as_posix()

    def endings(self, job: Job, georeferenced: bool = False) -> list[str]:
        """Endings of the files that are written for an image; for a video, of each frame, and its overlay's."""
        return [
            VIDEO_OVERLAY if job.video and name == OVERLAY else OUTPUT_KINDS[name].ending
            for name in self.kinds(georeferenced)
            if OUTPUT_KINDS[name].of_frames or not job.video
        ]

    def of_frames(self) -> "Outputs":
        """What is written for each frame of a video; the overlay is a video of its own."""
        return replace(self, overlay=False, extra=tuple(name for name in self.extra if OUTPUT_KINDS[name].of_frames))

    def new_result(self, size: tuple[int, ...], on_disk: bool = False) -> ImageResult:
        """An empty result for an image of that height and width. Raises Unsaved if it is to be kept on disk, and disk
        or memory have no room for what is to be written."""
        if on_disk:
            self._check_memory(size)
        try:
            return ImageResult.empty(
                size, len(self.labels), self.reject_below, self.needs, self.folder if on_disk else None
            )
        except OSError as error:
            raise Unsaved(f"{self.folder}: cannot hold its prediction: {reason(error)}") from None

    def _check_memory(self, size: tuple[int, ...]) -> None:
        """Raises Unsaved if a kind of output needs more memory than is free."""
        free = memory.memory_available()
        for name in self.extra:
            needed = size[0] * size[1] * OUTPUT_KINDS[name].bytes_per_pixel
            if free is not None and needed > free:
                sizes = f"{needed / 2**30:.1f} GiB, and {free / 2**30:.1f} are free"
                raise Unsaved(f"--save {name} of so large a picture needs {sizes} (leave it out)")

    def save(
        self, job: Job, image: np.ndarray, result: ImageResult, georeference: Georeference | None = None
    ) -> ManifestEntry:
        """Write all files of an image (H, W, 3) uint8; returns its line of the manifest.

        georeference: where the image lies on the earth. Raises InputError, of class Unsaved if only this image is
        concerned.
        """
        georeferenced = georeference is not None
        picture = LabelledPicture(
            job.file.name,
            image,
            result,
            self.labels,
            self.mask_values,
            georeference,
            self.coordinates,
            self.simplify,
            None if job.file == STDIN else job.file,
        )
        file = job.output(self.folder, OUTPUT_KINDS["mask"].ending)
        try:
            kinds = [OUTPUT_KINDS[name] for name in self.kinds(georeferenced)]
            for kind in kinds:
                check_place(self.folder, job.output(self.folder, kind.ending))
            file.parent.mkdir(parents=True, exist_ok=True)
            for kind in kinds:
                file = job.output(self.folder, kind.ending)
                kind.write(file, picture)
        except OSError as error:
            raise refused(file, error) from None
        entry = self.entry(job, result, georeferenced)
        if digest := digest_of(file):
            entry["mask_digest"] = digest
        if image.shape[:2] != result.mask.shape:
            entry["overlay_step"] = step_between(result.mask.shape, image.shape)
        return entry

    def entry(self, job: Job, result: ImageResult, georeferenced: bool = False) -> ManifestEntry:
        """The line of the manifest, without its time, the input's digest and the seconds that it took."""
        height, width = result.mask.shape
        shares = {name: count / result.mask.size for name, count in zip(self.labels.names, result.counts, strict=False)}
        entry: ManifestEntry = {
            "file": str(job.file),
            "status": "ok",
            "width": width,
            "height": height,
            "mask": self.mask_name(job),
            "outputs": self.endings(job, georeferenced),
            "classes": {name: round(float(share), 6) for name, share in shares.items() if share},
            "difficulty_mean": round(result.difficulty_mean, 6),
            "confidence_mean": None if result.confidence_mean is None else round(result.confidence_mean, 6),
            "made_with": self.identity,
        }
        if georeferenced:
            entry["georeferenced"] = True
        if self.reject_below:
            entry["rejected"] = round(float(result.counts[VOID] / result.mask.size), 6)
        return entry
