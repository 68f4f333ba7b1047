"""CasNet for inference: the same logits as the trained network, for less arithmetic. It ends at the cells.

Batch norms are folded, the three branches' first convolutions are one, attention is one number a cell, and nothing is
resized or normalized here: `postprocess` does that, where it is needed.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers, ops

from casnet_cli.inference import pixel_outputs, postprocess
from casnet_cli.inference.compiled import CompiledModel
from casnet_cli.inference.folding import Folded, affine, assign, convolution, folded
from casnet_cli.inference.network import POOLED, Cells, Reader, with_fine
from casnet_cli.inference.outputs import Outputs
from casnet_cli.model.backbones import BACKBONES
from casnet_cli.model.casnet import BRANCHES
from casnet_cli.model.fusion import EASY
from casnet_cli.model.pyramid import PyramidShares, taps_of
from casnet_cli.model.resize import PyramidPooling


class InferenceModel:
    """A network of `build_casnet`, for images whose sides are multiples of `stride` plus 1.

    easy_below: a difficulty; an image none of whose cells is more difficult gets the coarse logits for the fine ones,
    and the fine branch does not run. None: it always runs. few: see `CompiledModel`. plain: plain convolutions, for
    other programs to run. pools: also outputs `pooled`, (B, C), the mean of the backbone's features over each image.
    """

    def __init__(
        self,
        trained: keras.Model,
        easy_below: float | None = None,
        few: bool = False,
        plain: bool = False,
        pools: bool = False,
    ):
        self._trained, self._easy_below, self._plain, self._pools = trained, easy_below, plain, pools
        self.stride: int = trained.get_layer("pad_to_grid").stride
        self._extractor = next(layer for layer in trained.layers if isinstance(layer, keras.Model))
        self._bins = [layer.bins for layer in trained.layers if isinstance(layer, PyramidPooling)]
        self._preprocess = BACKBONES[self._extractor.name].preprocess
        self.bands: int = self._extractor.input_shape[-1]
        self.mean = BACKBONES[self._extractor.name].means(self.bands)
        self.branches = tuple(name for name in BRANCHES["attention"] if name in trained.output)
        self.classes: int = trained.output["fused"].shape[-1]
        self._few = few
        self._apart = easy_below is not None and "fine" in self.branches and "attention" in self.branches
        self._folded = Folded(self._extractor, plain)
        self._build()
        self.refresh()

    @property
    def body(self) -> str:
        """The name of the backbone, which is in the names of all its operations."""
        return self._extractor.name

    @property
    def bytes_per_pixel(self) -> int:
        """The most memory that a forward pass needs beside the weights, for a pixel of its image (measured by
        `tests/benchmarks/forward.py`): the first maps, and what `WinogradConvolution` computes from the last, its
        patches, transformed, and their products.
        """
        further = 12 * max(0, self.bands - 3)  # three copies of the input
        return 320 + further + 28 * self._extractor.output.shape[-1] // self.stride**2

    def _build(self) -> None:
        image = keras.Input((None, None, self.bands), name="image")
        x = self._folded.network(self._preprocess(image))
        pooled = {POOLED: layers.GlobalAveragePooling2D()(x)} if self._pools else {}
        if not self._apart:
            self.first = CompiledModel(keras.Model(image, self._heads(x, self.branches) | pooled), self._few)
            return
        self.first = CompiledModel(
            keras.Model(image, {"features": x, **self._heads(x, ("coarse", "attention")), **pooled}), self._few
        )
        features = keras.Input(x.shape[1:], name="features")
        self.second = CompiledModel(keras.Model(features, self._heads(features, ("fine",))), self._few)

    def _heads(self, x: keras.KerasTensor, names: Sequence[str]) -> dict[str, keras.KerasTensor]:
        width = self._logits(names[0]).kernel.shape[2]
        joint = convolution(width * len(names), x.shape[-1], "_".join((*names, "conv")), plain=self._plain)(x)
        found = {}
        for name, part in zip(names, ops.split(joint, len(names), axis=-1), strict=True):
            if name == "fine" and self._bins:
                part = PyramidShares(name="fine_shares")([part, *map(self._level(x), self._bins)])
            outputs = 1 if name == "attention" else self._logits(name).filters
            found[name] = layers.Conv2D(outputs, 1, name=f"{name}_logits")(layers.ReLU()(part))
        return found

    def _level(self, x: keras.KerasTensor) -> Callable[[int], keras.KerasTensor]:
        def level(bins: int) -> keras.KerasTensor:
            reduced = layers.Conv2D(x.shape[-1] // 4, 1, name=f"fine_level{bins}_conv")(PyramidPooling(bins)(x))
            return layers.ReLU()(reduced)

        return level

    def _logits(self, branch: str) -> layers.Layer:
        return self._trained.get_layer(f"{branch}_logits")

    def refresh(self) -> None:
        """Take over the weights that the trained network has now."""
        self._folded.refresh()
        if self._apart:
            self._fill(self.first.model, ("coarse", "attention"))
            self._fill(self.second.model, ("fine",))
        else:
            self._fill(self.first.model, self.branches)

    def _fill(self, model: keras.Model, names: Sequence[str]) -> None:
        get = self._trained.get_layer
        joint = [folded(get(f"{name}_conv"), get(f"{name}_bn")) for name in names]
        channels = self._extractor.output.shape[-1]
        kernel = np.concatenate([kernel[:, :, :channels] for kernel, _ in joint], axis=-1)
        assign(model.get_layer("_".join((*names, "conv"))), kernel, np.concatenate([bias for _, bias in joint]))
        for name in names:
            kernel, bias = (weight.numpy() for weight in self._logits(name).weights)
            if name == "attention":
                easy, hard = ([EASY], [1 - EASY])
                kernel, bias = kernel[..., easy] - kernel[..., hard], bias[easy] - bias[hard]
            assign(model.get_layer(f"{name}_logits"), kernel, bias)
        if "fine" in names and self._bins:
            factor, _ = affine(get("fine_bn"))
            own = get("fine_conv").kernel.numpy()[:, :, channels:] * factor
            model.get_layer("fine_shares").taps.assign(np.asarray(taps_of(own)))
            for bins in self._bins:
                level = f"fine_level{bins}_conv"
                assign(model.get_layer(level), *folded(get(level), get(f"fine_level{bins}_bn")))

    def cells(self, images: np.ndarray) -> Cells:
        """Images (B, H, W, bands) float32 0..255 → the logits of their cells, (B, h, w, ·)."""
        found = self.first(images)
        if self._apart:
            assert self._easy_below is not None
            return with_fine(found, self._easy_below, lambda features: self.second(features)["fine"])
        return found

    def reader(self, outputs: Outputs) -> Reader:
        """From the cells of each branch (h, w, ·) and the matrices `left` (H, h) and `right` (W, w) to the outputs."""
        function = pixel_outputs.pixel_function(outputs, self.branches)
        model = CompiledModel(postprocess.reader(self.branches, self.classes, function), self._few)
        return lambda given: model(_padded(given))

    def of_means(self, outputs: Outputs) -> Reader:
        """From the probabilities of pixels, averaged over passes, to the outputs."""
        function = pixel_outputs.pixel_function(outputs, self.branches)
        return CompiledModel(postprocess.of_means(self.branches, self.classes, function), self._few)


def _padded(given: Cells, multiple: int = 64) -> Cells:
    """Where a graph is compiled anew for every size: pixels and cells in multiples, those added with weight 0."""
    if keras.backend.backend() == "tensorflow":
        return given

    def more(x: np.ndarray, *axes: int) -> np.ndarray:
        return np.pad(x, [(0, -size % multiple if axis in axes else 0) for axis, size in enumerate(x.shape)])

    return {name: more(x, 0, 1) for name, x in given.items()}
