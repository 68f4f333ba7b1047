"""What `casnet train` does with its options: a new run, one that goes on, a trial, or one step again."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from casnet_cli import backend, console
from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.errors import InputError, RunError
from casnet_cli.runs import locate
from casnet_cli.runs.checkpoint import Meta, read_meta
from casnet_cli.runs.folder import Beginning, RunFolder
from casnet_cli.runs.trained import TrainedRun, open_run_data
from casnet_cli.workflows.recipe_choice import Choice, choose
from casnet_cli.workflows.train import deadline
from casnet_cli.workflows.train.run import TrainingRun

FIXED = ("model.", "data.", "training.seed", "training.batch_size")
"""What a run that goes on keeps: its network; its images, of which the seed holds some out; the steps of an epoch."""


@dataclass(frozen=True)
class TrainOptions:
    """The options of `casnet train`."""

    recipe: str | None = None
    data: Path | None = None
    run: Path | None = None
    overrides: list[str] = field(default_factory=list)
    resume: bool = False
    fold: int | None = None
    init: Path | None = None
    strategy: str = "auto"
    max_time: str | None = None
    replay: Path | None = None
    dry_run: bool = False
    settled: bool = False
    """The recipe is whole: of the run `init` only the weights are taken, not the network."""


def train(request: TrainOptions) -> Path | None:
    """Train, or continue, and return the run folder; None where nothing was written.

    Exits 130 when stopped by a signal or its time limit, 1 on a loss that is no number. Raises CasnetError.
    """
    limit = deadline.Deadline(deadline.seconds(request.max_time) if request.max_time else None)
    if request.replay:
        from casnet_cli.workflows.train.replay import replay

        replay(request.replay)
        return None
    if request.resume and request.run is None:
        request = replace(request, run=locate.newest_begun())
    if request.run and request.run.exists() and not request.run.is_dir():
        raise InputError(f"{request.run}: not a folder (--run takes the folder of a run)")
    if request.run and request.resume and not request.dry_run and RunFolder(request.run).recover():
        console.say(f"{request.run}: last.h5 is gone, best.h5 takes its place")
    saved = RunFolder(request.run).resumable() if request.run else None
    if request.resume and request.run and not saved and request.recipe is None:
        request = _as_begun(request, RunFolder(request.run).begun_with())
    if saved and request.run and not request.resume and not request.dry_run:
        raise RunError(f"{request.run}: holds a run already (continue it by --resume, or choose another --run)")
    choice = _continued(saved, request) if saved else new_choice(request)
    store = Store(choice.data)
    if saved and store.content_sha256 != saved.data_sha256:
        raise RunError(f"{choice.data}: not the data that {request.run} was trained on (name those by --data)")
    fold = saved.fold if saved else request.fold
    run = TrainingRun(choice, store, request.run, fold, saved)
    console.say(choice.reason)
    if request.run and saved and run.finished and not request.dry_run:
        changes = recipes.differences(saved.recipe, choice.recipe)
        if idle := [change for change in changes if not change.startswith("training.epochs")]:
            raise RunError(*(f"{request.run}: finished, so nothing comes of {change}" for change in idle))
        RunFolder(request.run).recall_times(saved.progress.history)
        RunFolder(request.run).write_history(saved.progress.history)
        run.calibrate()
        console.say(f"{request.run}: finished already, after {saved.progress.epochs} epochs")
        return request.run
    run.prepare(request.strategy, locate.checkpoint_of(request.init) if request.init and not saved else None)
    if request.dry_run:
        run.rehearse()
        return None
    try:
        return run.train(limit)
    finally:
        backend.release_memory()


def _as_begun(request: TrainOptions, begun: Beginning | None) -> TrainOptions:
    """The options with what a run was begun with in place of those not given."""
    if begun is None:
        return request
    init = begun.init if request.init is None else None
    return replace(
        request,
        recipe=str(begun.recipe),
        data=request.data or begun.data,
        fold=begun.fold if request.fold is None else request.fold,
        init=init or request.init,
        settled=init is not None,
    )


def new_choice(request: TrainOptions) -> Choice:
    """Recipe and data of a run that begins, the network that of `request.init` if it is fine-tuned."""
    if not request.init or request.settled:
        return choose(request.recipe, request.data, request.overrides)
    file = locate.checkpoint_of(request.init)
    network = read_meta(file).recipe.model
    choice = choose(request.recipe, request.data, request.overrides)
    own = [text for text in request.overrides if text.startswith("model.")]
    resolved = recipes.changed(choice.recipe.model_copy(update={"model": network}), own)
    return replace(choice, recipe=resolved, reason=f"{choice.reason}, from the network and weights of {file}")


def _continued(saved: Meta, request: TrainOptions) -> Choice:
    run = request.run
    assert run is not None
    if request.fold not in (None, saved.fold):
        raise InputError(f"--fold {request.fold}: {run} was begun on fold {saved.fold} (leave it out)")
    resolved = recipes.changed(saved.recipe, request.overrides)
    changes = recipes.differences(saved.recipe, resolved)
    fixed = [change for change in changes if change.startswith(FIXED) and "frozen" not in change]
    if fixed:
        raise RunError(*(f"{run}: cannot change in a run that goes on: {change} (use --init)" for change in fixed))
    if request.recipe is not None:
        named = recipes.load(recipes.find(request.recipe), request.overrides)
        if others := recipes.differences(resolved, named):
            raise RunError(
                *(f"{run}: the recipe has changed: {change} (name the change by --set)" for change in others)
            )
    path = open_run_data(TrainedRun(RunFolder(run).last, saved, run), request.data).path
    told = f", with {'; '.join(changes)}" if changes else ""
    return Choice(run.name, resolved, path, f"continuing {run} after step {saved.progress.step} on {path}{told}")
