import dataclasses
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from casnet_cli import recipe
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.errors import RunError
from casnet_cli.labels import LabelSet, with_colors
from casnet_cli.model.casnet import build_casnet
from casnet_cli.recipe import Recipe
from casnet_cli.runs import checkpoint
from casnet_cli.runs.checkpoint import Meta
from casnet_cli.runs.progress import Progress
from casnet_cli.training.optimizer import CaffeSGD
from casnet_cli.training.transfer import adopt

SMALL = ["model.weights='none'", "model.output_stride=32", "model.branch_channels=8"]
OLD = with_colors(("sky", "Road", "tree", "grass"))
CLASS_WEIGHTS = ("coarse_logits/kernel", "coarse_logits/bias", "fine_logits/kernel", "fine_logits/bias")


def settings(*overrides: str) -> Recipe:
    return recipe.load(recipe.find("demo"), [*SMALL, *overrides])


def network(labels: LabelSet, seed: int, *overrides: str) -> keras.Model:
    """A network none of whose weights is a constant, so that a copied one shows."""
    model = build_casnet(settings(*overrides).model, len(labels))
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        variable.assign(rng.uniform(0.1, 1, variable.shape))
    return model


def save(path: Path, model: keras.Model, labels: LabelSet, chosen: Recipe) -> Path:
    optimizer = CaffeSGD(model, chosen.optimizer, "efficientnet-lite0")
    bands = chosen.model.input_bands
    seen = Intensities(bands=tuple(f"band {k}" for k in range(bands)), low=(0,) * bands, high=(255,) * bands)
    meta = Meta(chosen, labels, "blocks", "0" * 64, None, Progress(7), {}, intensities=PLAIN if bands == 3 else seen)
    checkpoint.save(path, model, optimizer, meta)
    return path


def arrays(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path: variable.numpy().copy() for variable in model.weights}


@pytest.fixture(scope="module")
def old() -> keras.Model:
    return network(OLD, 1)


@pytest.fixture
def saved(tmp_path: Path, old: keras.Model) -> Path:
    return save(tmp_path / "best.h5", old, OLD, settings())


def check_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], paths: set[str]) -> None:
    for path in paths:
        np.testing.assert_array_equal(found[path], expected[path], err_msg=path)


def test_classes_are_copied_by_name_and_the_rest_stays_fresh(saved: Path, old: keras.Model) -> None:
    labels = with_colors(("Cow", "ROAD", "sky"))
    model = network(labels, 2)
    fresh, source = arrays(model), arrays(old)
    adopted = adopt(saved, model, labels)
    found = arrays(model)
    check_same(found, source, set(source) - set(CLASS_WEIGHTS))
    assert {"attention_logits/kernel", "stem_bn/moving_mean"} <= set(source) - set(CLASS_WEIGHTS)
    for path in CLASS_WEIGHTS:
        for new_id, expected in enumerate((fresh[path][..., 0], source[path][..., 1], source[path][..., 0])):
            np.testing.assert_array_equal(found[path][..., new_id], expected, err_msg=f"{path} {new_id}")
    assert adopted.classes_kept == ("ROAD", "sky") and adopted.classes_new == ("Cow",)
    assert adopted.kept == len(source) - 4 and set(adopted.mixed) == set(CLASS_WEIGHTS) and adopted.new == ()
    count = len(source)
    assert adopted.sentence() == f"kept {count - 4} of {count} weights; classes kept: ROAD, sky; new: Cow"


def test_another_order_of_the_same_classes(saved: Path, old: keras.Model) -> None:
    labels = with_colors(("tree", "sky", "grass", "Road"))
    model = network(labels, 2)
    source = arrays(old)
    adopted = adopt(saved, model, labels)
    found = arrays(model)
    for path in CLASS_WEIGHTS:
        np.testing.assert_array_equal(found[path], source[path][..., [2, 0, 3, 1]], err_msg=path)
    count = len(source)
    assert (adopted.kept, adopted.mixed, adopted.new, adopted.classes_new) == (count, (), (), ())
    assert adopted.sentence() == f"kept {count} of {count} weights; classes kept: all 4"


def test_the_same_case_wins_over_another(tmp_path: Path) -> None:
    before, labels = with_colors(("Sky", "sky", "SKY")), with_colors(("sKy", "SKY", "sky", "Sky"))
    source = network(before, 1, "model.variant='coarse'")
    path = save(tmp_path / "best.h5", source, before, settings("model.variant='coarse'"))
    model = network(labels, 2, "model.variant='coarse'")
    adopt(path, model, labels)
    bias, theirs = (arrays(one)["coarse_logits/bias"] for one in (model, source))
    np.testing.assert_array_equal(bias[1:], theirs[[2, 1, 0]])
    assert bias[0] in theirs


def test_no_class_in_common_leaves_the_class_layers_new(saved: Path, old: keras.Model) -> None:
    labels = with_colors(("a", "b", "c", "d"))
    model = network(labels, 2)
    fresh, source = arrays(model), arrays(old)
    adopted = adopt(saved, model, labels)
    check_same(arrays(model), fresh, set(CLASS_WEIGHTS))
    check_same(arrays(model), source, set(source) - set(CLASS_WEIGHTS))
    assert set(adopted.new) == set(CLASS_WEIGHTS) and adopted.mixed == () and adopted.kept == len(source) - 4
    first = f"kept {len(source) - 4} of {len(source)} weights (new: {', '.join(adopted.new[:3])} and 1 more)"
    assert adopted.sentence() == f"{first}; classes kept: none; new: a, b, c, d"


def test_other_widths_keep_what_has_their_shape(saved: Path, old: keras.Model) -> None:
    model = network(OLD, 2, "model.branch_channels=16")
    fresh, source = arrays(model), arrays(old)
    adopted = adopt(saved, model, OLD)
    backbone = {variable.path for variable in old.get_layer("efficientnet-lite0").weights}
    check_same(arrays(model), source, backbone)
    # The biases fit by shape, but belong to kernels that do not.
    check_same(arrays(model), fresh, {*CLASS_WEIGHTS, "coarse_conv/kernel"})
    assert adopted.classes_kept == () and {*CLASS_WEIGHTS, "coarse_conv/kernel"} <= set(adopted.new)


def test_a_variant_with_more_branches_keeps_those_there_are(tmp_path: Path, old: keras.Model) -> None:
    chosen = settings("model.variant='coarse'")
    source = network(OLD, 3, "model.variant='coarse'")
    model = network(OLD, 2)
    fresh = arrays(model)
    adopted = adopt(save(tmp_path / "coarse.h5", source, OLD, chosen), model, OLD)
    check_same(arrays(model), arrays(source), set(arrays(source)))
    added = set(fresh) - set(arrays(source))
    check_same(arrays(model), fresh, added)
    assert set(adopted.new) == added and adopted.kept == len(arrays(source)) and adopted.classes_new == ()


def test_another_backbone_is_refused(tmp_path: Path, old: keras.Model) -> None:
    # Of ResNet-50 and ResNet-101 many weights would fit by name and shape, and make no sense.
    path = save(tmp_path / "resnet.h5", old, OLD, settings("model.backbone='resnet50'"))
    model = network(OLD, 2)
    fresh = arrays(model)
    with pytest.raises(RunError) as caught:
        adopt(path, model, OLD)
    fault = "its backbone is resnet50, that of the new network efficientnet-lite0 (model.backbone must be the same)"
    assert caught.value.faults == (f"{path}: {fault}",)
    check_same(arrays(model), fresh, set(fresh))


def test_the_first_convolution_is_inflated_for_other_bands(saved: Path, old: keras.Model) -> None:
    model = network(OLD, 2, "model.input_bands=5")
    found = adopt(saved, model, OLD)
    assert not found.new and not found.mixed
    own, before = arrays(model), arrays(old)
    kernel = before["stem_conv/kernel"].astype(np.float64)
    expected = np.concatenate([kernel, kernel.mean(axis=2, keepdims=True).repeat(2, axis=2)], axis=2) * 3 / 5
    np.testing.assert_allclose(own["stem_conv/kernel"], expected, rtol=1e-6)
    check_same(own, before, set(before) - {"stem_conv/kernel"})


def test_weights_of_other_bands_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "four.h5", network(OLD, 1, "model.input_bands=4"), OLD, settings("model.input_bands=4"))
    model = network(OLD, 2)
    fresh = arrays(model)
    with pytest.raises(RunError, match="its network takes 4 bands, the new one 3 .weights for 3 alone fit"):
        adopt(path, model, OLD)
    check_same(arrays(model), fresh, set(fresh))
    four = network(OLD, 3, "model.input_bands=4")
    assert not adopt(path, four, OLD).new


def test_foreign_and_damaged_files_are_refused_and_change_nothing(tmp_path: Path, saved: Path) -> None:
    model = network(OLD, 2)
    fresh = arrays(model)
    (tmp_path / "text.h5").write_text("hello")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["model/stem_conv/kernel"] = np.zeros(3)
    with h5py.File(saved, "r+") as file:
        del file["model/block7_1_project_conv/kernel"], file.attrs["content_sha256"]
    for name, reason in (
        ("missing.h5", "no such checkpoint"),
        ("text.h5", "not a readable HDF5 file"),
        ("foreign.h5", "not a checkpoint of casnet"),
        ("best.h5", "damaged checkpoint: model/block7_1_project_conv/kernel is missing or has another shape"),
    ):
        with pytest.raises(RunError, match=f"{name}: {reason}"):
            adopt(tmp_path / name, model, OLD)
    check_same(arrays(model), fresh, set(fresh))


def test_what_was_adopted_cannot_be_changed(saved: Path) -> None:
    adopted = adopt(saved, network(OLD, 2), OLD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        adopted.kept = 0  # type: ignore[misc]
