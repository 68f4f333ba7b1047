"""Estimates of a training's time: what is left, the whole, and what is kept before a deadline."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.datasets import write_blocks

from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.runs.progress import Progress
from casnet_cli.workflows.recipe_choice import Choice
from casnet_cli.workflows.train.pace import Extent, Pace
from casnet_cli.workflows.train.plan import RunPlan

EXTENT = Extent(network_pixels=1e6, pixels=1e6, classes=8, one_size=True)


@pytest.fixture
def plan(tmp_path: Path) -> RunPlan:
    """40 images in batches of 4 for 10 epochs, validated after each second one: 100 steps."""
    data = write_blocks(tmp_path / "blocks.h5", {"train": 40, "val": 6})
    settings = ["training.epochs=10", "training.batch_size=4", "evaluation.every_epochs=2", "augmentation.crop=100"]
    recipe = recipes.load(recipes.find("folder"), [*settings, "training.checkpoint_every_steps=25"])
    return RunPlan.of(Choice("blocks", recipe, data, ""), Store(data), None)


def measured(plan: RunPlan, steps: list[float], begun: Progress | None = None) -> Pace:
    pace = Pace(plan, begun or Progress(), EXTENT, weights=15_000_000, building=2.0, before=7.0)
    for seconds in steps:
        pace.step(seconds)
    return pace


def test_compiling_is_foreseen_by_the_time_to_build_and_then_measured(plan: RunPlan) -> None:
    assert measured(plan, []).compiling == pytest.approx(8.0)
    assert measured(plan, [12.0, 2.0, 2.0]).compiling == pytest.approx(10.0)


def test_the_whole_is_start_compiling_steps_validations_savings_and_calibration(plan: RunPlan) -> None:
    pace = measured(plan, [12.0, 2.0, 1.9, 2.0, 60.0, 2.0])
    validation = 1e6 * (0.2 * 2.0 / 40_000 + 0.15e-6 + 8 * 0.018e-6)  # 10.294 s
    save = 8 * 15e6 / 150e6  # 0.8 s
    assert pace.validation_seconds == pytest.approx(validation)
    left = 100 * 2.0 + 5 * validation + (10 + 4) * save + 0.4 * 10 + (1.5 * validation + 2.5 * save)
    assert pace.left(Progress()) == pytest.approx(left)
    assert pace.total() == pytest.approx(7 + 10 + left)
    rehearsed = pace.total()
    pace.step(2.0)
    assert pace.total() == rehearsed, "as it counts from the beginning, however many steps were done"


def test_what_was_measured_takes_the_place_of_what_was_foreseen(plan: RunPlan) -> None:
    pace = measured(plan, [12.0, 2.0, 2.0])
    pace.validations.append(24.0)
    assert pace.validation_seconds == pytest.approx(24 - 0.4 * 10), "the first one compiles"
    pace.validations += [17.0, 15.0, 40.0]
    pace.saves += [0.5, 3.0, 1.0]
    assert pace.validation_seconds == 17.0 and pace.save_seconds == 1.0
    rows: list[dict[str, float]] = [{"epoch": epoch, "step": 10 * epoch} for epoch in range(1, 8)]
    left = pace.left(Progress(70, history=rows))  # 30 steps, of epochs 8, 9 and 10 the validations of 8 and 10
    assert left == pytest.approx(30 * 2 + 2 * 17 + (3 + 1) * 1 + (1.5 * 17 + 2.5 * 1))


def test_files_for_onnx_runtime_count_where_they_are_written(plan: RunPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    pace = measured(plan, [12.0, 2.0, 2.0])
    without = pace.left(Progress())
    assert pace.engine_seconds == 0 and pace.ahead_of_engine() == 0
    monkeypatch.setattr("casnet_cli.workflows.engine.is_written", lambda: True)
    assert pace.left(Progress()) - without == pytest.approx(3.2 * 10)
    assert pace.ahead_of_engine() == pytest.approx(1.25 * 3.2 * 10)


def test_a_deadline_keeps_what_the_next_pieces_took_at_most(plan: RunPlan) -> None:
    pace = measured(plan, [300.0, 2.0, 4.0, 2.0])
    pace.saves += [0.5, 3.0, 1.0]
    assert pace.ahead(validates=False) == pytest.approx(1.25 * (4 + 3)), "the first step compiled, and comes no more"
    assert pace.ahead(validates=False, steps=2) == pytest.approx(1.25 * (8 + 3))
    pace.validations += [100.0, 20.0, 30.0]
    assert pace.ahead(validates=True) == pytest.approx(1.25 * (4 + 3 + 30 + 3))
    for _ in range(20):
        pace.step(1.0)
    assert pace.ahead(validates=False) == pytest.approx(1.25 * (1 + 3)), "a slow step long ago counts no more"
    assert pace.ahead_of_calibration() == pytest.approx(1.25 * pace.calibration_seconds)


def test_the_extent_of_a_validation_is_that_of_its_images(plan: RunPlan, tmp_path: Path) -> None:
    extent = Extent.of(plan)
    whole = sum(size[0] * size[1] for size in map(_size, plan.val_part))
    assert extent.pixels == extent.network_pixels == whole and extent.classes == len(plan.store.labels)
    larger = plan.recipe.model_copy(update={"evaluation": plan.recipe.evaluation.model_copy(update={"scale": 2.0})})
    assert Extent.of(replace(plan, recipe=larger)).network_pixels == 4 * whole


def _size(sample: object) -> tuple[int, int]:
    from casnet_cli.data.images import decode_label

    return decode_label(sample.label).size  # type: ignore[attr-defined]
