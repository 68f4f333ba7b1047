"""CasNet for inference: the same logits as the trained network, for less arithmetic. It ends at the cells.

Batch norms are folded, the three branches' first convolutions are one, attention is one number a cell, and nothing is
resized or normalized here: `postprocess` does that, where it is needed.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers, ops

from casnet_cli.inference.compiled import CompiledModel
from casnet_cli.inference.folding import Folded, affine, assign, convolution, folded
from casnet_cli.model.backbones import BACKBONES
from casnet_cli.model.casnet import BRANCHES
from casnet_cli.model.fusion import EASY
from casnet_cli.model.pyramid import PyramidShares, taps_of
from casnet_cli.model.resize import PyramidPooling

Cells = dict[str, np.ndarray]
"""Logits of a map's cells, (…, h, w, K) of `coarse` and of `fine`, and (…, h, w, 1) of `attention`: that of easy less
that of difficult."""

POOLED = "pooled"
"""Name of the output with the mean of the backbone's features over an image."""


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
        self._apart = easy_below is not None and "fine" in self.branches and "attention" in self.branches
        self._folded = Folded(self._extractor, plain)
        self._build(few)
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

    def _build(self, few: bool) -> None:
        image = keras.Input((None, None, self.bands), name="image")
        x = self._folded.network(self._preprocess(image))
        if not self._apart:
            pooled = {POOLED: layers.GlobalAveragePooling2D()(x)} if self._pools else {}
            self.first = CompiledModel(keras.Model(image, self._heads(x, self.branches) | pooled), few)
            return
        self.first = CompiledModel(keras.Model(image, {"features": x, **self._heads(x, ("coarse", "attention"))}), few)
        features = keras.Input(x.shape[1:], name="features")
        self.second = CompiledModel(keras.Model(features, self._heads(features, ("fine",))), few)

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
            features = found.pop("features")
            assert self._easy_below is not None
            found["fine"] = found["coarse"].copy()
            hard = 1 / (1 + np.exp(found["attention"].min(axis=(1, 2, 3)))) > self._easy_below
            if hard.any():
                found["fine"][hard] = self.second(features[hard])["fine"]
        return found
