import keras
import pytest

from casnet_cli.model.backbones import BACKBONES
from casnet_cli.model.casnet import BRANCHES, build_casnet
from casnet_cli.model.flops import by_layer, multiply_adds, parameters
from casnet_cli.recipe import ModelSection

TINY = {"weights": "none", "output_stride": 32, "branch_channels": 8, "pyramid_bins": (1, 2)}


def test_convolutions_by_hand() -> None:
    image = keras.Input((None, None, 6))
    x = keras.layers.Conv2D(4, (3, 5), strides=2, padding="same", groups=2, name="grouped")(image)
    x = keras.layers.DepthwiseConv2D(3, padding="valid", depth_multiplier=2, name="depthwise")(x)
    x = keras.layers.Conv2D(7, 1, name="point")(keras.layers.ReLU()(x))
    assert by_layer(keras.Model(image, x), (1, 9, 10, 6)) == {
        "grouped": (5 * 5 * 4) * (3 * 5 * 6 // 2),  # cells and channels of the output, summands of each
        "depthwise": (3 * 3 * 8) * (3 * 3),
        "point": (3 * 3 * 7) * 8,
    }


def test_resnet_50_at_stride_8() -> None:
    def blocks(inside: int, entering: int, repeats: int) -> int:
        """Of a stage per cell: 1x1, 3x3 and 1x1 convolutions, and the projection of the first block."""
        leaving = 4 * inside
        first = entering * inside + 9 * inside**2 + inside * leaving + entering * leaving
        return first + (repeats - 1) * (leaving * inside + 9 * inside**2 + inside * leaving)

    stages = 30**2 * (blocks(128, 256, 4) + blocks(256, 512, 6) + blocks(512, 1024, 3))
    expected = 117**2 * 7 * 7 * 3 * 64 + 59**2 * blocks(64, 64, 3) + stages
    assert sum(by_layer(BACKBONES["resnet50"].build(8), (1, 233, 233, 3)).values()) == expected
    assert expected / 1e9 == pytest.approx(21.8, rel=2e-3)


@pytest.mark.parametrize(("stride", "giga"), [(8, 2.71), (16, 0.78)])
def test_efficientnet_lite0_as_published(stride: int, giga: float) -> None:
    counts = by_layer(BACKBONES["efficientnet-lite0"].build(stride), (1, 233, 233, 3))
    assert sum(counts.values()) / 1e9 == pytest.approx(giga, rel=0.02)


def test_the_branches_of_the_papers_network() -> None:
    model = build_casnet(ModelSection(weights="none"), 33, pretrained=False)
    counts, parts = by_layer(model, (1, 233, 233, 3)), multiply_adds(model, 233, 233)
    assert counts["coarse_conv"] == counts["attention_conv"] == 30**2 * 9 * 2048 * 512  # 8.5 giga
    levels = sum(b * b * 512 * 9 * 512 + 512 * (30 * 3 * b * 3 * b + 30 * 30 * 3 * b) for b in (1, 2, 3, 6))
    assert counts["fine_conv"] == 30**2 * 9 * 2048 * 512 + levels  # 8.6 giga; 17 as one convolution of 4096 channels
    assert counts["fine_level6_conv"] == 6**2 * 2048 * 512
    assert counts["coarse_resize"] == 33 * (233 * 30 * 30 + 233 * 30 * 233)  # rows, then columns
    assert counts["fine_pool6"] == 2048 * (6 * 30 * 30 + 6 * 30 * 6)
    assert parts["coarse"] == sum(counts[f"coarse_{layer}"] for layer in ("conv", "logits", "resize"))
    assert parts["total"] == sum(parts[part] for part in ("backbone", "coarse", "attention", "fine"))
    assert parts["total"] / 1e9 == pytest.approx(21.8 + 8.5 + 8.5 + 8.6, rel=0.01)


def test_the_parameters_of_the_papers_network() -> None:
    found = parameters(build_casnet(ModelSection(weights="none"), 33, pretrained=False))
    assert found["backbone"] == keras.applications.ResNet50(include_top=False, weights=None).count_params()
    assert found["coarse"] == 9 * 2048 * 512 + 4 * 512 + 512 * 33 + 33
    assert found["attention"] == 9 * 2048 * 512 + 4 * 512 + 512 * 2 + 2
    assert found["fine"] == 4 * (2048 * 512 + 4 * 512) + 9 * 4096 * 512 + 4 * 512 + 512 * 33 + 33
    assert found["total"] == sum(found[part] for part in ("backbone", "coarse", "attention", "fine"))


@pytest.mark.parametrize(("backbone", "kernel"), [("resnet50", 49 * 64), ("efficientnet-lite0", 9 * 32)])
def test_further_bands_cost_in_the_first_convolution_alone(backbone: str, kernel: int) -> None:
    counts = {}
    for bands in (3, 5):
        section = ModelSection(backbone=backbone, input_bands=bands, **TINY)  # type: ignore[arg-type]
        counts[bands] = multiply_adds(build_casnet(section, 3, pretrained=False, trains=False), 225, 225)
    side = 225 // 2 + 1
    assert counts[5]["backbone"] - counts[3]["backbone"] == side**2 * kernel * 2
    assert counts[5]["coarse"] == counts[3]["coarse"]


@pytest.mark.parametrize("variant", BRANCHES)
def test_a_branch_that_is_not_there_counts_nothing(variant: str) -> None:
    model = build_casnet(ModelSection(backbone="efficientnet-lite0", variant=variant, **TINY), 3, pretrained=False)  # type: ignore[arg-type]
    counts = multiply_adds(model, 40, 65)
    assert {part for part, count in counts.items() if count} == {"backbone", *BRANCHES[variant], "total"}
    assert counts["backbone"] == multiply_adds(model, 65, 65)["backbone"]  # both are padded to 65x65


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_layer_with_a_kernel_is_counted(backbone: str) -> None:
    model = build_casnet(ModelSection(backbone=backbone, **TINY), 3, pretrained=False)  # type: ignore[arg-type]
    extractor = model.get_layer(backbone)
    for network in (extractor, model):
        counts = by_layer(network, (1, 65, 65, 3))
        layers = [layer for layer in network.layers if not isinstance(layer, keras.Model)]
        assert {layer.name for layer in layers if hasattr(layer, "kernel")} <= set(counts) and all(counts.values())
