import keras
import numpy as np
import pytest
import tensorflow as tf

from casnet_cli.errors import RecipeError
from casnet_cli.model.backbones import BACKBONES
from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import ModelSection

CLASSES = 3


def network(backbone: str, frozen: int, weights: str = "none") -> keras.Model:
    chosen = {"output_stride": 32, "branch_channels": 8, "variant": "coarse", "dropout": 0.0}
    return build_casnet(ModelSection(backbone=backbone, frozen_stages=frozen, weights=weights, **chosen), CLASSES)  # type: ignore[arg-type]


def gradient_step(model: keras.Model) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (2, 65, 65, 3)).astype(np.float32)
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model(image, training=True)["fused"][..., 0])
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(0.1 * gradient)


@pytest.mark.parametrize(
    ("backbone", "frozen", "prefixes"),
    [
        ("efficientnet-lite0", 1, ("stem_",)),
        ("efficientnet-lite0", 3, ("stem_", "block1_", "block2_")),
        ("resnet50", 1, ("conv1_",)),
        ("resnet50", 3, ("conv1_", "conv2_", "conv3_")),
    ],
)
def test_frozen_stages_keep_weights_and_statistics_through_a_step(
    backbone: str, frozen: int, prefixes: tuple[str, ...]
) -> None:
    model = network(backbone, frozen)
    extractor = model.get_layer(backbone)
    before = {variable.path: variable.numpy().copy() for variable in extractor.weights}
    still = {path for path in before if path.startswith(prefixes)}
    trainable = {variable.path for variable in extractor.trainable_variables}
    statistics = {path for path in before if "/moving_" in path}
    assert trainable == set(before) - still - statistics
    assert {variable.path for variable in model.trainable_variables} > trainable

    gradient_step(model)
    same = {v.path for v in extractor.weights if np.array_equal(v.numpy(), before[v.path])}
    assert still <= same
    # Biases before a batch normalization have no gradient but noise; every statistic behind the frozen part moves.
    assert not same & (statistics - still)
    assert any(path.endswith("kernel") for path in trainable - same)


def test_all_stages_frozen_leave_the_branches() -> None:
    model = network("resnet50", 5)
    assert not model.get_layer("resnet50").trainable_variables
    assert {variable.path.split("_")[0] for variable in model.trainable_variables} == {"coarse"}


def test_none_frozen_by_default() -> None:
    assert ModelSection().frozen_stages == 0
    extractor = network("efficientnet-lite0", 0).get_layer("efficientnet-lite0")
    assert all(layer.trainable for layer in extractor.layers)


def test_pretrained_weights_come_into_frozen_layers_too() -> None:
    free, frozen = (network("efficientnet-lite0", count, "imagenet") for count in (0, 7))
    pairs = zip(
        free.get_layer("efficientnet-lite0").weights, frozen.get_layer("efficientnet-lite0").weights, strict=True
    )
    for one, other in pairs:
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
    # With fixed statistics gamma and beta train, unless their stage is frozen.
    gammas = {v.path for v in frozen.trainable_variables if v.path.startswith(("stem", "block"))}
    assert gammas and all(path.startswith("block7_") for path in gammas)


def test_a_copy_of_the_network_stays_frozen() -> None:
    model = network("efficientnet-lite0", 4)
    copy = keras.models.model_from_json(model.to_json())
    assert [v.path for v in copy.trainable_variables] == [v.path for v in model.trainable_variables]


@pytest.mark.parametrize(("backbone", "stages"), [("resnet50", 5), ("resnet101", 5), ("efficientnet-lite0", 8)])
def test_every_stage_has_weights_and_one_too_many_is_refused(backbone: str, stages: int) -> None:
    chosen = BACKBONES[backbone]
    extractor = chosen.build(32)
    assert chosen.stages == stages
    assert {chosen.stage_of(layer.name) for layer in extractor.layers if layer.weights} == {*range(1, stages + 1)}
    with pytest.raises(RecipeError) as caught:
        chosen.freeze(extractor, stages + 1)
    assert caught.value.faults == (f"model.frozen_stages: {backbone} has {stages} stages, received {stages + 1}",)
    assert all(layer.trainable for layer in extractor.layers)


def test_the_network_refuses_before_weights_are_looked_for() -> None:
    with pytest.raises(RecipeError, match="resnet50 has 5 stages, received 6"):
        network("resnet50", 6, "/no/such/file.h5")
