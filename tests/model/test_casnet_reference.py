"""The whole network behind the backbone, its losses and every gradient, against `reference.py` in float64."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import paper_reference as reference

from casnet_cli.model import casnet
from casnet_cli.recipe import ModelSection
from casnet_cli.training.losses import branch_losses

CLASSES, CHANNELS, WIDTH, STRIDE = 3, 4, 2, 8
VARIANTS = ("coarse", "static", "attention")


@pytest.fixture
def small_backbone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """float64, and in place of ResNet-50 a convolution of four channels at every eighth pixel."""

    def build(stride: int, bands: int = 3) -> keras.Model:
        image = keras.Input((None, None, bands))
        x = keras.layers.Conv2D(CHANNELS, 1, strides=stride, use_bias=False, name="conv1_conv")(image)
        return keras.Model(image, x, name="resnet50")

    small = replace(
        casnet.BACKBONES["resnet50"], build=build, preprocess=lambda image: keras.layers.Rescaling(1 / 128)(image)
    )
    monkeypatch.setitem(casnet.BACKBONES, "resnet50", small)
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


def network(variant: str, seed: int = 1) -> tuple[Any, dict[str, Any]]:
    """A network with random weights, and the variables of its head by name."""
    keras.utils.set_random_seed(seed)
    section = ModelSection(variant=variant, weights="none", dropout=0.0)  # type: ignore[arg-type]
    model = casnet.build_casnet(section.model_copy(update={"branch_channels": WIDTH}), CLASSES)
    head = {v.path: v for v in model.trainable_variables if not v.path.startswith("conv1")}
    rng = np.random.default_rng(seed)
    for name, variable in head.items():
        centre = 1.0 if name.endswith("gamma") else 0.0
        variable.assign(centre + rng.normal(scale=0.4, size=variable.shape))
    return model, head


def case(height: int, width: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Two images and their labels, a tenth of them void."""
    rng = np.random.default_rng(seed)
    image = rng.uniform(0, 255, (2, height, width, 3))
    label = rng.integers(0, CLASSES, (2, height, width)).astype(np.uint8)
    label[rng.random(label.shape) < 0.1] = reference.VOID
    return image, label


def features(model: Any, image: np.ndarray) -> np.ndarray:
    """What the backbone gives, by hand: the image padded with its mean colour (zero), every eighth pixel."""
    down, right = (-(side - 1) % STRIDE for side in image.shape[1:3])
    padded = np.pad(image / 128, ((0, 0), (0, down), (0, right), (0, 0)))
    return padded[:, ::STRIDE, ::STRIDE] @ model.get_layer("resnet50").get_layer("conv1_conv").get_weights()[0][0, 0]


def gradients(model: Any, head: dict[str, Any], image: np.ndarray, label: np.ndarray, of: str) -> dict[str, np.ndarray]:
    with tf.GradientTape() as tape:
        found = branch_losses(model(image, training=True), label, np.count_nonzero(label != reference.VOID))
        value = sum(found.values()) if of == "loss" else found[of]
    values = tape.gradient(value, [variable.value for variable in head.values()])
    return {
        name: np.zeros(variable.shape) if found is None else found.numpy()
        for (name, variable), found in zip(head.items(), values, strict=True)
    }


def differences(
    model: Any, head: dict[str, Any], image: np.ndarray, label: np.ndarray, variant: str
) -> dict[str, dict[str, np.ndarray]]:
    """The same of each loss and of their sum, by central differences of the reference, for every single weight.

    ŷ stays what it is.
    """
    x, size = features(model, image), image.shape[1:3]
    w = {name: variable.numpy() for name, variable in head.items()}
    p = reference.forward(x, w, variant, size, STRIDE)
    easy = reference.easy_of(p["coarse"], label) if "coarse" in p else None

    def values() -> dict[str, float]:
        found = reference.losses(reference.forward(x, w, variant, size, STRIDE), label, easy)
        return found | {"loss": sum(found.values())}

    step = 1e-6
    slopes: dict[str, dict[str, np.ndarray]] = {
        of: {name: np.zeros_like(array) for name, array in w.items()} for of in values()
    }
    for name, array in w.items():
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + step
            above = values()
            array[index] = kept - step
            for of, below in values().items():
                slopes[of][name][index] = (above[of] - below) / (2 * step)
            array[index] = kept
    return slopes


@pytest.mark.parametrize("variant", [*VARIANTS, "fine"])
@pytest.mark.parametrize("size", [(233, 233), (41, 58), (30, 47)])
@pytest.mark.usefixtures("small_backbone")
def test_outputs_and_losses(variant: str, size: tuple[int, int]) -> None:
    model, head = network(variant)
    image, label = case(*size)
    w = {name: variable.numpy() for name, variable in head.items()}
    expected = reference.forward(features(model, image), w, variant, size, STRIDE)
    outputs = model(image, training=True)
    assert set(outputs) == set(expected)
    for name, p in expected.items():
        assert outputs[name].dtype == "float64"
        np.testing.assert_allclose(np.exp(outputs[name]), p, rtol=1e-9, atol=1e-12)
    found = branch_losses(outputs, label, np.count_nonzero(label != reference.VOID))
    losses = {name: float(value) for name, value in found.items()}
    assert losses == pytest.approx(reference.losses(expected, label), rel=1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.usefixtures("small_backbone")
def test_the_gradient_of_every_weight_and_which_branch_each_loss_reaches(variant: str) -> None:
    model, head = network(variant)
    image, label = case(25, 38)
    reached = {}
    for of, slopes in differences(model, head, image, label, variant).items():
        found = gradients(model, head, image, label, of)
        for name, slope in slopes.items():
            np.testing.assert_allclose(found[name], slope, rtol=1e-5, atol=2e-8, err_msg=f"{of}: {name}")
            assert np.any(slope) or of != "loss", name
        reached[of] = {name.partition("_")[0] for name, slope in found.items() if np.any(slope)}
    if variant == "attention":
        assert reached.pop("loss") == {"coarse", "attention", "fine"}
        assert reached == {
            "coarse": {"coarse"},
            "attention": {"attention"},  # none through ŷ into the coarse branch
            "refine": {"coarse", "attention", "fine"},
        }


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.usefixtures("small_backbone")
def test_the_gradient_of_every_weight_at_the_papers_crop(variant: str) -> None:
    model, head = network(variant)
    image, label = case(233, 233)
    found = gradients(model, head, image, label, "loss")
    for name, slope in differences(model, head, image, label, variant)["loss"].items():
        np.testing.assert_allclose(found[name], slope, rtol=1e-4, atol=2e-8, err_msg=name)
