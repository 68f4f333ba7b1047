"""What casnet train is to do by its options: each case is found without a training, and without a back end."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.checkpoints import meta_after, write_checkpoint, write_run
from helpers.datasets import write_bands, write_blocks

from casnet_cli import backend
from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.errors import CasnetError, DataError, InputError, RecipeError, RunError
from casnet_cli.recipe import Recipe
from casnet_cli.runs.checkpoint import finish, read_meta
from casnet_cli.workflows.recipe_choice import Choice
from casnet_cli.workflows.train.plan import RunPlan
from casnet_cli.workflows.train.session import Continued, Finished, New, Replay, TrainOptions, resolve

SETTINGS = ["training.epochs=2", "training.batch_size=4", "model.branch_channels=16"]
RUN = Path("runs/one")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """data/blocks.h5 below the current folder."""

    def start() -> None:
        raise AssertionError("the back end is not needed")

    monkeypatch.setattr(backend, "start", start)
    monkeypatch.chdir(tmp_path)
    return Store(write_blocks(Path("data/blocks.h5"), {"train": 12, "val": 3}))


@pytest.fixture
def recipe() -> Recipe:
    """As a run keeps it: with numbers in the place of `auto`."""
    settled = ["training.loss=cross_entropy", "augmentation.class_crops=0.0", "data.enlarge=1.0"]
    return recipes.load(recipes.find("folder"), [*SETTINGS, *settled])


def files() -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()}


def test_a_new_run(store: Store) -> None:
    before = files()
    found = resolve(TrainOptions("folder", overrides=SETTINGS))
    assert isinstance(found, New)
    assert (found.run, found.init, found.plan.name, found.plan.fold) == (None, None, "blocks", None)
    assert found.reason == "recipe folder on data/blocks.h5"
    assert (len(found.plan.train_part), len(found.plan.val_part)) == (12, 3)
    assert (found.plan.length.steps_per_epoch, found.plan.length.epochs) == (3, 2)
    named = resolve(TrainOptions("folder", Path("data/blocks.h5"), Path("runs/new"), SETTINGS))
    assert isinstance(named, New) and named.run == Path("runs/new")
    assert files() == before


def test_resuming_where_nothing_was_begun_is_a_new_run(store: Store) -> None:
    found = resolve(TrainOptions("folder", overrides=SETTINGS, resume=True))
    assert isinstance(found, New) and found.run is None


def test_a_new_run_from_the_weights_of_another(store: Store, recipe: Recipe) -> None:
    last = write_run(RUN, store, meta_after(store, recipe, 1)).last
    best = write_checkpoint(RUN / "checkpoints/best.h5", read_meta(last))
    own = ["training.batch_size=4", "model.dropout=0.5"]
    found = resolve(TrainOptions("folder", overrides=own, init=RUN))
    assert isinstance(found, New) and found.init == best and found.run is None
    assert (found.plan.recipe.model.branch_channels, found.plan.recipe.model.dropout) == (16, 0.5)
    assert found.reason.endswith(f", from the network and weights of {best}")
    whole = resolve(TrainOptions("folder", overrides=own, init=RUN, settled=True))
    assert isinstance(whole, New) and whole.init == best
    assert whole.plan.recipe.model.branch_channels != 16, "the network is the recipe's own"
    with pytest.raises(RunError, match="runs/none: no such run"):
        resolve(TrainOptions("folder", overrides=own, init=Path("runs/none")))


def test_a_run_that_goes_on(store: Store, recipe: Recipe) -> None:
    write_run(RUN, store, meta_after(store, recipe, 1))
    before = files()
    found = resolve(TrainOptions(resume=True))
    assert isinstance(found, Continued) and found.run == RUN, "the one trained last"
    assert found.saved.progress.step == 3 and found.plan.recipe == recipe
    assert found.reason == f"continuing runs/one after step 3 on {store.path.resolve()}"
    changed = resolve(TrainOptions(resume=True, run=RUN, overrides=["optimizer.learning_rate=0.5"]))
    assert isinstance(changed, Continued) and changed.plan.recipe.optimizer.learning_rate == 0.5
    assert ", with optimizer.learning_rate: " in changed.reason
    assert files() == before


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (TrainOptions(run=RUN), RunError, "holds a run already"),
        (TrainOptions(run=RUN, resume=True, fold=2), InputError, "--fold 2: runs/one was begun on fold None"),
        (TrainOptions(run=RUN, resume=True, overrides=["training.seed=1"]), RunError, "cannot change in a run that"),
        (TrainOptions("folder", run=RUN, resume=True), RunError, "the recipe has changed: .*name the change by --set"),
        (TrainOptions(run=RUN, resume=True, data=Path("data/other.h5")), RunError, "not the data that runs/one"),
        (TrainOptions(run=Path("data/blocks.h5"), resume=True), InputError, "not a folder"),
    ],
)
def test_what_does_not_go_on(
    store: Store, recipe: Recipe, options: TrainOptions, error: type[CasnetError], message: str
) -> None:
    write_run(RUN, store, meta_after(store, recipe, 1))
    write_blocks(Path("data/other.h5"), {"train": 8, "val": 2})
    with pytest.raises(error, match=message):
        resolve(options)


def test_a_finished_run(store: Store, recipe: Recipe) -> None:
    write_run(RUN, store, meta_after(store, recipe, 2))
    found = resolve(TrainOptions(resume=True))
    assert isinstance(found, Finished) and found.run == RUN and found.saved.progress.epochs == 2
    longer = resolve(TrainOptions(resume=True, overrides=["training.epochs=3"]))
    assert isinstance(longer, Continued) and longer.plan.length.epochs == 3
    with pytest.raises(RunError, match="finished, so nothing comes of optimizer.momentum: 0.9 → 0.5"):
        resolve(TrainOptions(resume=True, overrides=["optimizer.momentum=0.5"]))


def test_a_run_that_its_schedule_has_ended_is_finished(store: Store, recipe: Recipe) -> None:
    write_run(RUN, store, meta_after(store, recipe, 1, ended=True))
    assert isinstance(resolve(TrainOptions(resume=True)), Finished)


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_dry_run_takes_up_a_run_as_if_it_went_on(store: Store, recipe: Recipe, epochs: int) -> None:
    write_run(RUN, store, meta_after(store, recipe, epochs))
    found = resolve(TrainOptions(run=RUN, dry_run=True))
    assert isinstance(found, Continued) and found.saved.progress.epochs == epochs


def test_a_last_checkpoint_that_is_gone_is_replaced_by_the_best_but_not_for_a_dry_run(
    store: Store, recipe: Recipe
) -> None:
    run = write_run(RUN, store, meta_after(store, recipe, 1))
    run.last.rename(run.best)
    assert isinstance(resolve(TrainOptions("folder", None, RUN, SETTINGS, True, dry_run=True)), New)
    assert not run.last.exists()
    assert isinstance(resolve(TrainOptions(run=RUN, resume=True)), Continued)
    assert run.last.read_bytes() == run.best.read_bytes()


def test_a_run_that_ended_before_its_first_checkpoint_begins_anew_as_it_was_begun(store: Store, recipe: Recipe) -> None:
    folded = write_blocks(Path("mine/folded.h5"), {"train": 12}, folds=2)
    other = write_run(Path("runs/other"), store, meta_after(store, recipe, 1))
    RUN.mkdir()
    (RUN / "recipe.toml").write_text(recipes.dumps(recipe))
    (RUN / "run.json").write_text(json.dumps({"data": str(folded), "fold": 2, "init": str(other.last)}))
    found = resolve(TrainOptions(run=RUN, resume=True))
    assert isinstance(found, New) and (found.run, found.init) == (RUN, other.last)
    assert (found.plan.recipe, found.plan.store.path, found.plan.fold) == (recipe, folded, 2)
    given = resolve(TrainOptions(run=RUN, resume=True, fold=1))
    assert isinstance(given, New) and given.plan.fold == 1, "what is given goes before"
    (RUN / "run.json").write_text("{")
    damaged = resolve(TrainOptions(run=RUN, resume=True))
    assert isinstance(damaged, New) and (damaged.plan.recipe, damaged.init) == (recipe, None)
    assert damaged.plan.store.path == Path("data/blocks.h5"), "the data set prepared last"


def test_a_step_that_is_repeated(store: Store) -> None:
    folder = Path("runs/one/not-finite-step-000007")
    assert resolve(TrainOptions(replay=folder, resume=True)) == Replay(folder)


BANDS = Path("data/bands.h5")


@pytest.fixture
def four(store: Store) -> Store:
    """data/bands.h5 beside data/blocks.h5."""
    return Store(write_bands(BANDS, {"train": 12, "val": 3}))


def test_the_number_of_bands_is_taken_from_the_data_and_said(four: Store) -> None:
    found = resolve(TrainOptions("folder", BANDS, overrides=SETTINGS))
    assert isinstance(found, New) and found.plan.recipe.model.input_bands == 4
    assert found.reason == f"recipe folder on {BANDS}, with model.input_bands = 4 as the data have"
    named = resolve(TrainOptions("folder", BANDS, overrides=[*SETTINGS, "model.input_bands=4"]))
    assert isinstance(named, New) and named.plan.recipe.model.input_bands == 4 and "as the data" not in named.reason


@pytest.mark.parametrize(("data", "bands"), [(BANDS, 3), (BANDS, 5), (Path("data/blocks.h5"), 4)])
def test_a_number_of_bands_that_differs_from_the_data_is_refused(four: Store, data: Path, bands: int) -> None:
    with pytest.raises(RecipeError, match=f"model.input_bands: {bands}, and {data} has . bands .red, green.*leave the"):
        resolve(TrainOptions("folder", data, overrides=[*SETTINGS, f"model.input_bands={bands}"]))


def test_a_run_of_three_bands_fine_tunes_on_four(four: Store, store: Store, recipe: Recipe) -> None:
    write_run(RUN, store, meta_after(store, recipe, 2))
    found = resolve(TrainOptions("folder", BANDS, overrides=SETTINGS, init=RUN / "checkpoints/last.h5"))
    assert isinstance(found, New) and found.plan.recipe.model.input_bands == 4
    assert found.reason.endswith("with model.input_bands = 4 as the data have")


def test_a_run_goes_on_with_pictures_like_its_own_alone(four: Store, recipe: Recipe) -> None:
    chosen = recipes.changed(recipe, ["model.input_bands=4"])
    write_run(RUN, four, meta_after(four, chosen, 1))
    found = resolve(TrainOptions(run=RUN, resume=True))
    assert isinstance(found, Continued) and found.plan.recipe.model.input_bands == 4
    other = replace(four.intensities, high=(3000.0,) * 4)
    write_bands(Path("data/other.h5"), {"train": 12, "val": 3}, other)
    with pytest.raises(RunError, match="its pictures are not as those of"):
        resolve(TrainOptions(run=RUN, resume=True, data=Path("data/other.h5")))


def test_a_recipe_of_another_number_of_bands_makes_no_plan(four: Store, recipe: Recipe) -> None:
    with pytest.raises(DataError, match="bands.h5: has 4 bands .* and model.input_bands is 3"):
        RunPlan.of(Choice("folder", recipe, BANDS, ""), four, None)


def test_finishing_takes_a_stopped_run_as_it_is(store: Store, recipe: Recipe) -> None:
    with pytest.raises(RunError, match="runs: nothing to finish, as there is no run with a checkpoint"):
        resolve(TrainOptions(finish=True))
    with pytest.raises(RunError, match="runs/none: nothing to finish"):
        resolve(TrainOptions(run=Path("runs/none"), finish=True))
    write_run(RUN, store, meta_after(store, recipe, 1))
    found = resolve(TrainOptions(finish=True))
    assert isinstance(found, Finished) and (found.run, found.saved.progress.epochs) == (RUN, 1)
    assert found.reason == f"finishing runs/one after step 3, on {store.path.resolve()}"
    for more in ({"resume": True}, {"overrides": SETTINGS}, {"fold": 1}, {"dry_run": True}, {"max_time": "3h"}):
        with pytest.raises(InputError, match="--finish: closes a run as it is"):
            resolve(replace(TrainOptions(run=RUN, finish=True), **more))


def test_a_run_that_its_schedule_or_a_call_has_ended_does_not_go_on(store: Store, recipe: Recipe) -> None:
    last = write_run(RUN, store, meta_after(store, recipe, 1)).last
    assert isinstance(resolve(TrainOptions(run=RUN, resume=True)), Continued)
    finish(last)
    assert read_meta(last).finished
    assert isinstance(resolve(TrainOptions(run=RUN, resume=True)), Finished)
    with pytest.raises(
        RunError, match=r"finished, so nothing comes of training.epochs: 2 → 9 \(--init runs/one begins"
    ):
        resolve(TrainOptions(run=RUN, resume=True, overrides=["training.epochs=9"]))
