import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from casnet_cli.recipe import ScheduleSection
from casnet_cli.runs.progress import Progress, Validation
from casnet_cli.training.loop import EpochReport, StepReport, TrainingLength, training_reports
from casnet_cli.training.schedule import Schedule
from casnet_cli.training.step import StepResult


@dataclass
class Batch:
    image: Any
    label: Any
    names: tuple[str, ...] = ()


def begun(
    length: TrainingLength,
    progress: Progress,
    schedule: Schedule,
    accuracies: list[float],
    broken: tuple[int, ...] = (),
    overflows: tuple[int, ...] = (),
) -> Iterator[Any]:
    """Losses are the batch's number, validation accuracies come from the list."""
    batches = (Batch(k, k) for k in count(progress.step))

    def step(image: Any, label: Any, rate: float) -> StepResult:
        return StepResult({"loss": float(image), "coarse": rate}, 1.0, image not in broken, overflow=image in overflows)

    validations = iter(accuracies)

    def validate() -> Validation:
        score = next(validations)
        return Validation({"pixel_accuracy": score, "mean_iou": 1 - score}, score)

    return training_reports(step, batches, schedule, length, validate, progress)


def run(*given: Any, **more: Any) -> list[Any]:
    return list(begun(*given, **more))


def constant() -> Schedule:
    return Schedule(ScheduleSection(kind="constant"), 0.5, 100)


def test_reports_in_order_with_means_of_the_epoch() -> None:
    progress = Progress()
    reports = run(TrainingLength(3, 2), progress, constant(), [0.2, 0.1])
    kinds = ["s" if isinstance(report, StepReport) else "e" for report in reports]
    assert "".join(kinds) == "sssessse"
    assert [report.step for report in reports if isinstance(report, StepReport)] == [1, 2, 3, 4, 5, 6]
    rows = progress.history
    assert [row["loss"] for row in rows] == [1.0, 4.0] and [row["loss_coarse"] for row in rows] == [0.5, 0.5]
    ends = [report for report in reports if isinstance(report, EpochReport)]
    assert [end.best for end in ends] == [True, False]


def test_validation_every_other_epoch_and_after_the_last() -> None:
    progress = Progress()
    run(TrainingLength(1, 5, every_epochs=2), progress, constant(), [0.1, 0.2, 0.3])
    assert ["val_pixel_accuracy" in row for row in progress.history] == [False, True, False, True, True]


def test_the_schedule_ends_the_run() -> None:
    progress = Progress()
    schedule = Schedule(ScheduleSection(kind="plateau", patience=1, drops=1), 1.0, 100)
    run(TrainingLength(2, 50), progress, schedule, [0.5, 0.4, 0.4])
    assert progress.step == 6 and [row["learning_rate"] for row in progress.history] == pytest.approx([1, 1, 0.1])


def test_continuing_in_the_middle_of_an_epoch_gives_the_same_history() -> None:
    whole = Progress()
    run(TrainingLength(4, 2), whole, constant(), [0.1, 0.2])
    part = Progress(step=2, sums={"loss": 1.0, "coarse": 1.0})
    run(TrainingLength(4, 2), part, constant(), [0.1, 0.2])
    timeless = [
        [{k: v for k, v in row.items() if not k.endswith("_seconds")} for row in p.history] for p in (whole, part)
    ]
    assert timeless[0] == timeless[1]


@pytest.mark.parametrize("reports", range(1, 9))
def test_left_after_any_report_and_begun_again_it_gives_the_same_history(reports: int) -> None:
    """Six steps and two ends of epochs; what is kept is what a checkpoint keeps."""
    whole = Progress()
    accuracies = [0.2, 0.1]
    run(TrainingLength(3, 2), whole, constant(), accuracies)
    first = Progress()
    for _ in zip(range(reports), begun(TrainingLength(3, 2), first, constant(), accuracies), strict=False):
        pass
    kept = Progress(**json.loads(json.dumps(first.timeless())))
    run(TrainingLength(3, 2), kept, constant(), accuracies[kept.epochs :])
    assert kept.timeless() == whole.timeless() and kept.epochs == 2


def test_a_step_that_is_not_finite_is_the_last_and_does_not_count() -> None:
    progress = Progress()
    reports = run(TrainingLength(4, 2), progress, constant(), [], broken=(2,))
    assert [report.step for report in reports] == [1, 2, 3] and not reports[-1].result.finite
    assert progress.step == 2 and progress.sums["loss"] == 1.0


def test_an_overflow_counts_and_the_run_goes_on() -> None:
    progress = Progress()
    run(TrainingLength(2, 2), progress, constant(), [0.1, 0.2], broken=(1,), overflows=(1,))
    assert progress.step == 4 and len(progress.history) == 2
