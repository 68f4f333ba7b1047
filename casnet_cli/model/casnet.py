"""CasNet as figure 2 draws it: one feature extractor, three branches, and their fusion."""

import keras
from keras import layers

from casnet_cli.model.backbones import BACKBONES
from casnet_cli.model.backbones.base import with_fixed_statistics
from casnet_cli.model.fusion import Fusion
from casnet_cli.model.pyramid import PyramidConvolution
from casnet_cli.model.resize import PadToGrid, PyramidPooling, ResizeToImage
from casnet_cli.recipe import ModelSection

BRANCHES = {
    "coarse": ("coarse",),
    "static": ("coarse", "fine"),
    "attention": ("coarse", "attention", "fine"),
    "fine": ("fine",),
}
"""Branches of each variant of section 4.3."""


def build_casnet(section: ModelSection, classes: int, pretrained: bool = True, trains: bool = True) -> keras.Model:
    """The network on images (B, H, W, N), 0..255, of any size; three bands are RGB.

    Outputs, all log-probabilities (B, H, W, ·) in float32 or wider: those of `coarse` (K), `attention` (2, index 1 =
    easy) and `fine` (K) that the variant has, and `fused` (K): eq. 8, or the only branch there is. With pre-trained
    weights the backbone's batch statistics stay frozen while its gamma and beta train (batch 4 is too small for
    statistics); with `weights = "none"` they are trained. The first `section.frozen_stages` of the backbone train
    nothing at all.

    pretrained: whether to load `section.weights`; not where a checkpoint's follow. trains: whether it will be trained;
    if not, its extractor is built once instead of twice. Raises RecipeError if the backbone has fewer stages than are
    to be frozen, and WeightsError.
    """
    backbone = BACKBONES[section.backbone]
    extractor = backbone.build(section.output_stride, section.input_bands)
    if trains and section.weights != "none":
        extractor = with_fixed_statistics(extractor)
    backbone.freeze(extractor, section.frozen_stages)
    if pretrained and section.weights != "none":
        backbone.load(extractor, section.weights, section.output_stride)

    image = keras.Input((None, None, section.input_bands), name="image")
    x = PadToGrid(section.output_stride, name="pad_to_grid")(backbone.preprocess(image))
    x = extractor(x)

    heads = {"coarse": coarse_branch, "attention": attention_branch, "fine": fine_branch}
    outputs = {}
    for name in BRANCHES[section.variant]:
        scores = heads[name](x, section, classes)
        scores = ResizeToImage(section.output_stride, dtype=_wide(), name=f"{name}_resize")([scores, image])
        outputs[name] = layers.Activation("log_softmax", dtype=_wide(), name=f"{name}_log_softmax")(scores)
    outputs["fused"] = fused(outputs)
    return keras.Model(image, outputs, name="casnet")


def coarse_branch(x: keras.KerasTensor, section: ModelSection, classes: int) -> keras.KerasTensor:
    """Eq. 2: an FCN of two convolutional layers, K logits a cell."""
    return classifier(x, section, classes, "coarse")


def attention_branch(x: keras.KerasTensor, section: ModelSection, classes: int) -> keras.KerasTensor:
    """Eq. 4: the coarse branch's structure with two categories, 1 = easy (coarse is right), 0 = difficult."""
    return classifier(x, section, 2, "attention")


def fine_branch(x: keras.KerasTensor, section: ModelSection, classes: int) -> keras.KerasTensor:
    """Eq. 7: pyramid pooling (PSPNet), each level reduced to C / 4, resized and joined with x, then classified."""
    levels = []
    for bins in section.pyramid_bins:
        level = PyramidPooling(bins, name=f"fine_pool{bins}")(x)
        level = layers.Conv2D(x.shape[-1] // 4, 1, use_bias=False, name=f"fine_level{bins}_conv")(level)
        levels.append(bn_relu(level, f"fine_level{bins}"))
    x = PyramidConvolution(section.branch_channels, name="fine_conv")([x, *levels])
    return logits(x, section, classes, "fine")


def classifier(x: keras.KerasTensor, section: ModelSection, classes: int, name: str) -> keras.KerasTensor:
    """3x3 convolution, dropout, 1x1 convolution to one logit a class."""
    x = layers.Conv2D(section.branch_channels, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return logits(x, section, classes, name)


def logits(x: keras.KerasTensor, section: ModelSection, classes: int, name: str) -> keras.KerasTensor:
    """Batch norm, ReLU, dropout, and the 1x1 convolution to one logit a class."""
    x = layers.Dropout(section.dropout, name=f"{name}_dropout")(bn_relu(x, name))
    return layers.Conv2D(classes, 1, name=f"{name}_logits")(x)


def bn_relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Batch norm and ReLU."""
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def fused(outputs: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
    """Eq. 8 over the branches there are; of a single branch its own log-probabilities."""
    branches = [outputs[name] for name in ("coarse", "fine", "attention") if name in outputs]
    return branches[0] if len(branches) == 1 else Fusion(dtype=_wide(), name="fusion")(branches)


def _wide() -> str:
    """float64 where the network computes in it, else float32: half precision is too coarse for a softmax."""
    return "float64" if keras.config.floatx() == "float64" else "float32"
