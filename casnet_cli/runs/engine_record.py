"""The network of a run in files for ONNX Runtime, which prediction takes by itself where they are faster than Keras."""

from pathlib import Path

from pydantic import Field

from casnet_cli.runs.export_record import ExportProof
from casnet_cli.runs.json_record import Record, Text

FILE = "engine.json"
"""Name of the record, in the folder of the files."""

NETWORK, FINE, PIXELS, MEANS = "network.onnx", "fine.onnx", "pixels-{}.onnx", "means-{}.onnx"
"""From images to cells, and, where there is an attention branch, from features to the cells of the fine branch; from
cells to the outputs for pixels, a file for each choice of outputs; and from probabilities averaged over passes to them.
"""

VERSION = 1


class EngineRecord(Record):
    """The content of `engine.json`."""

    version: int
    """Version of the files."""
    checkpoint_sha256: Text
    """Digest of the checkpoint's file."""
    stride: int = Field(gt=0)
    """Pixels between two cells."""
    mean: list[float]
    """Mean colour, 0..255 for each band."""
    branches: list[Text]
    """Branches of the network."""
    classes: int = Field(gt=0)
    """How many there are."""
    temperature: float | None = None
    """Of the calibrated confidence; None: there is none."""
    bytes_per_pixel: int = Field(gt=0)
    """Memory for each pixel of an image."""
    files: dict[Text, Text]
    """Digest of each file, by name."""
    proof: ExportProof | None = None
    """How they compare with Keras; None: they have not been compared yet."""

    @property
    def faster(self) -> bool:
        """Whether prediction takes these files: they give the same, in less time."""
        proof = self.proof
        return bool(proof and proof.within_limits and proof.seconds_per_image < proof.keras_seconds_per_image)


def engine_folder(run: Path) -> Path:
    """Where the files of a run folder lie."""
    return run / "engine"
