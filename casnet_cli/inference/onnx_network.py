"""A trained network in files of its run's folder `engine`, applied by ONNX Runtime, without Keras."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from casnet_cli.inference.network import POOLED, Cells, Reader, with_fine
from casnet_cli.inference.outputs import Outputs, choices
from casnet_cli.runs.engine_record import FINE, MEANS, NETWORK, PIXELS, EngineRecord


class OnnxSession:
    """A file for ONNX Runtime: from its inputs by name to its outputs by name."""

    def __init__(self, file: Path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is an exception too
        # Its threads would wait for work without sleep, while other threads decode, enlarge and write pictures.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(file), options, onnxruntime.get_available_providers())
        self.outputs: list[str] = [output.name for output in self._session.get_outputs()]
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs: the runtime computes them in any case."""
        return dict(zip(self.outputs, self._session.run(self.outputs, inputs), strict=True))


class OnnxNetwork:
    """The files of a folder as a `casnet_cli.inference.network.Network`.

    easy_below, pools: as of `inference_model.InferenceModel`.
    """

    def __init__(self, folder: Path, record: EngineRecord, easy_below: float | None = None, pools: bool = False):
        self._folder, self._pools = folder, pools
        self.stride, self.mean, self.classes = record.stride, tuple(record.mean), record.classes
        self.branches, self.bytes_per_pixel = tuple(record.branches), record.bytes_per_pixel
        self._choices = choices(record.temperature)
        self._easy_below = -1.0 if easy_below is None else easy_below
        self._first = OnnxSession(folder / NETWORK)
        self._fine = OnnxSession(folder / FINE) if "attention" in self.branches else None

    def cells(self, images: np.ndarray) -> Cells:
        """Images (B, H, W, bands) float32 0..255 → the logits of their cells, (B, h, w, ·)."""
        found = self._first({"image": images})
        if not self._pools:
            del found[POOLED]
        if fine := self._fine:
            return with_fine(found, self._easy_below, lambda features: fine({"features": features})["fine"])
        return found

    def reader(self, outputs: Outputs) -> Reader:
        """From the cells of each branch (h, w, ·) and the matrices `left` (H, h) and `right` (W, w) to the outputs."""
        return self._chosen(PIXELS, outputs)

    def of_means(self, outputs: Outputs) -> Reader:
        """From the probabilities of pixels, averaged over passes, to the outputs."""
        return self._chosen(MEANS, outputs)

    def _chosen(self, pattern: str, outputs: Outputs) -> Reader:
        """By the cheapest file that has all of them."""
        names = outputs.of(self.branches)
        needed = set(names.values())
        able = (name for name, each in self._choices.items() if needed <= set(each.of(self.branches).values()))
        files = [file for name in able if (file := self._folder / pattern.format(name)).is_file()]
        session = OnnxSession(files[0])

        def read(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            found = session(given)
            return {name: found[quantity] for name, quantity in names.items()}

        return read
