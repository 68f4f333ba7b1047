"""The paper's feature extractor: Keras's ResNet with the strides of its last stages turned into dilation (3.1).

Keras's networks carry the Caffe weights: stride in the first 1x1 convolution of a stage, BGR, mean subtracted.
"""

import contextlib
import sys
import warnings
from functools import partial
from pathlib import Path

import keras

from casnet_cli import paths
from casnet_cli.errors import WeightsError
from casnet_cli.model.backbones.base import RGB, Backbone, per_band
from casnet_cli.util.hdf5 import open_outside

MEAN_RGB = (123.68, 116.779, 103.939)
"""Mean colour of the ImageNet images."""

STAGES = 5
"""conv1 with its pooling is the stem, 1; conv2 to conv5 are 2 to 5."""

_BUILDERS = {"resnet50": keras.applications.ResNet50, "resnet101": keras.applications.ResNet101}
_DILATION = {8: {"conv4": 2, "conv5": 4}, 16: {"conv5": 2}, 32: {}}


def resnet(name: str, output_stride: int, bands: int = RGB) -> keras.Model:
    """ResNet on preprocessed images (B, H, W, bands) → (B, ⌈H / stride⌉, ⌈W / stride⌉, 2048).

    Layer names and weight shapes are keras.applications' own. A stage whose stride is removed runs its 3x3
    convolutions at the rate by which its grid became finer, so that every 2nd (4th) cell equals the original's.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This model usually expects 1 or 3 input channels")
        original = _BUILDERS[name](include_top=False, weights=None, input_shape=(None, None, bands))
    rates: dict[str, int] = _DILATION[output_stride]

    def dilated(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        rate = rates.get(layer.name.partition("_")[0], 1)
        if rate > 1 and isinstance(layer, keras.layers.Conv2D):
            config["strides"] = (1, 1)
            if config["kernel_size"] != (1, 1):
                config["dilation_rate"] = (rate, rate)
        return layer.__class__.from_config(config)

    model = keras.models.clone_model(original, clone_function=dilated)
    model.name = name
    return model


def stage_of(layer: str) -> int:
    """The stage, 1 to `STAGES`, of the layer of that name; conv4_block2_1_bn is of stage 4."""
    prefix = layer.partition("_")[0]
    return int(prefix.removeprefix("conv")) if prefix.startswith("conv") else 1


def preprocess(image: keras.KerasTensor) -> keras.KerasTensor:
    """RGB 0..255 → BGR minus the ImageNet mean, as Caffe fed it; of more bands the first three are swapped."""
    bands = image.shape[-1]
    offset = [-mean for mean in per_band(MEAN_RGB, bands)]
    centred = keras.layers.Rescaling(1.0, offset=offset, name="subtract_mean")(image)
    if bands < RGB:
        return centred
    if bands == RGB:
        return centred[..., ::-1]
    return keras.ops.concatenate([centred[..., :RGB][..., ::-1], centred[..., RGB:]], axis=-1)


def load_weights(model: keras.Model, weights: str) -> None:
    """`imagenet` (downloaded by Keras once) or a file in its `…_notop.h5` layout. Raises WeightsError."""
    if weights != "imagenet":
        _load_file(model, Path(weights))
        return
    file = paths.keras_weights_folder() / f"{model.name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    try:
        with contextlib.redirect_stdout(sys.stderr):  # results alone belong on stdout
            source = _BUILDERS[model.name](include_top=False, weights="imagenet", input_shape=(None, None, 3))
    except Exception as error:  # Keras raises a bare Exception for a failed download
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{file}: ImageNet weights of {model.name} could not be had: {reason} (put the file there yourself, name "
            "one by --set model.weights=PATH, or use a recipe ending in -lite, whose weights are already installed)"
        ) from None
    model.set_weights(source.get_weights())


def _load_file(model: keras.Model, file: Path) -> None:
    if not file.is_file():
        raise WeightsError(f"{file}: no such weight file (model.weights is imagenet, none, or a path)")
    try:
        open_outside(file).close()
        model.load_weights(file)
    except Exception as error:  # h5py and Keras raise many kinds on foreign files
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{file}: does not fit {model.name}: {reason} (a file in Keras's …_notop.h5 layout)"
        ) from None


BACKBONES = {
    name: Backbone(partial(resnet, name), preprocess, load_weights, MEAN_RGB, STAGES, stage_of) for name in _BUILDERS
}
