from pathlib import Path

import pytest

from casnet_cli import recipe
from casnet_cli.errors import RecipeError


@pytest.mark.parametrize("name", recipe.names())
def test_shipped_recipes_survive_a_round_trip(name: str) -> None:
    loaded = recipe.load(recipe.find(name))
    assert recipe.loads(recipe.dumps(loaded), "copy") == loaded


@pytest.mark.parametrize("name", ["sift-flow", "stanford-background"])
def test_the_papers_recipes_are_section_4_2(name: str) -> None:
    loaded = recipe.load(recipe.find(name))
    assert loaded.data.name == name
    assert (loaded.model.backbone, loaded.model.output_stride, loaded.model.variant) == ("resnet50", 8, "attention")
    assert loaded.augmentation.crop == 233 and not loaded.augmentation.mirror
    optimizer, schedule = loaded.optimizer, loaded.schedule
    assert (optimizer.learning_rate, optimizer.momentum, optimizer.weight_decay) == (1e-4, 0.9, 1e-4)
    assert optimizer.head_lr_multiplier == 1
    assert (schedule.kind, schedule.factor, schedule.drops) == ("plateau", 10, 2)
    assert loaded.training.batch_size == 4


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=3", "--set training.epoch=3: unknown key training.epoch (did you mean training.epochs?)"),
        ("training.mirror=true", "did you mean augmentation.mirror?"),
        ("trainning.epochs=3", "unknown key trainning (did you mean training?)"),
        ("model.backbone=resnet5", "model.backbone: should be 'resnet50', 'resnet101', 'efficientnet-lite0',"),
        ("model.output_stride=12", "model.output_stride: should be 8, 16 or 32 (received 12)"),
        ("training.batch_size=2.5", "training.batch_size: should be a valid integer (received 2.5)"),
        ("training.batch_size=0", "training.batch_size: should be greater than or equal to 1 (received 0)"),
        ("training.epochs='many'", "training.epochs: should be a valid integer (received 'many')"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate: should be a finite number"),
        ("augmentation.scales=[2.0, 0.5]", "augmentation.scales: 2.0 > 0.5 (the lower factor first)"),
        ("augmentation.scales=[0.5]", "augmentation.scales"),
        ("model.pyramid_bins=[1, 2, 2]", "model.pyramid_bins: [1, 2, 2] (each number once)"),
        ("augmentation.class_crops=2", "augmentation.class_crops: should be 'auto' or a share from 0 to 1"),
        ("data.enlarge=0.5", "data.enlarge: should be 'auto' or a factor from 1 to 4"),
        ("evaluation.best=accuracy", "evaluation.best: should be 'pixel_accuracy', 'mean_iou', or 'class:NAME'"),
        ("training.loss=jaccard", "training.loss: should be 'auto', 'cross_entropy', 'dice', 'lovasz' or 'focal'"),
        ("epochs=3", "not of the form section.key=value"),
        ("training.epochs", "not of the form section.key=value"),
    ],
)
def test_faults_name_place_key_and_remedy(override: str, message: str) -> None:
    with pytest.raises(RecipeError) as raised:
        recipe.load(recipe.find("demo"), [override])
    assert message in str(raised.value)


@pytest.mark.parametrize("value", ["[1, -2]", "[1]", "[]", "some", "3"])
def test_a_value_of_no_kind_that_a_key_takes_is_one_fault(value: str) -> None:
    with pytest.raises(RecipeError) as raised:
        recipe.load(recipe.find("demo"), [f"training.class_weights={value}", "training.epochs=0"])
    assert len(raised.value.faults) == 2 and "'effective_number', or a weight of 0 or more" in str(raised.value)


def test_the_recipe_of_an_older_checkpoint_trains_as_it_did() -> None:
    """One without the keys for rare classes."""
    old = recipe.loads("[training]\nepochs = 3\n[evaluation]\nscale = 1.0\n", "old.h5")
    assert (old.training.loss, old.augmentation.class_crops, old.data.enlarge) == ("cross_entropy", 0.0, 1.0)
    assert old.evaluation.best == "pixel_accuracy" == recipe.load(recipe.find("sift-flow")).evaluation.best
    assert recipe.load(recipe.find("folder")).evaluation.best == "mean_iou"


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[training]\nepochs = 0\nsead = 1\n[model]\nvariant = "best"\n[extra]\nx = 1\n')
    with pytest.raises(RecipeError) as raised:
        recipe.load(file, ["nonsense"])
    assert len(raised.value.faults) == 5
    assert all(str(file) in fault for fault in raised.value.faults[1:])


def test_a_section_that_is_a_value_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("model = 3\n")
    with pytest.raises(RecipeError) as raised:
        recipe.load(file)
    assert raised.value.faults == (f"{file}: model: should be a section of keys and values (received 3)",)


@pytest.mark.parametrize("content", [b"[training", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_unreadable_toml_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(RecipeError, match="not a readable TOML recipe") as raised:
        recipe.load(file)
    assert len(raised.value.faults) == 1 and "\n" not in raised.value.faults[0]


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean stanford-background-lite"):
        recipe.find("stanford-background-light")


def test_differences_and_changes() -> None:
    old = recipe.load(recipe.find("demo"))
    new = recipe.changed(old, ["training.epochs=99"])
    assert new.training.epochs == 99
    assert recipe.differences(old, new) == [f"training.epochs: {old.training.epochs} → 99"]


def test_integers_serve_as_floats_and_plain_words_as_strings() -> None:
    loaded = recipe.load(recipe.find("demo"), ["optimizer.learning_rate=1", "model.weights=none"])
    assert loaded.optimizer.learning_rate == 1.0 and loaded.model.weights == "none"


def test_every_setting_has_a_description() -> None:
    for section, schema in recipe.SECTIONS.items():
        assert schema.__doc__ and [key for key, field in schema.model_fields.items() if not field.description] == []
        assert section in recipe.Recipe.model_fields
