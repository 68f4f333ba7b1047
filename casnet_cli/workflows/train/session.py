"""What `casnet train` does with its options: a new run, one that goes on, one that is finished, or one step again."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import backend, console
from casnet_cli import recipe as recipes
from casnet_cli.errors import InputError, RunError
from casnet_cli.paths import RUNS
from casnet_cli.runs import locate
from casnet_cli.util.shell import typed
from casnet_cli.workflows.recipe_choice import Choice, choose, with_bands
from casnet_cli.workflows.train.deadline import Deadline, seconds

if TYPE_CHECKING:
    from casnet_cli.runs.checkpoint import Meta
    from casnet_cli.runs.folder import Beginning
    from casnet_cli.workflows.train.plan import RunPlan, Start

FIXED = ("model.", "data.", "training.seed", "training.batch_size", "evaluation.best")
"""What a run that goes on keeps: its network; its images, of which the seed holds some out; the steps of an epoch; what
its best checkpoint so far was chosen by."""


@dataclass(frozen=True)
class TrainOptions:
    """The options of `casnet train`."""

    recipe: str | None = None
    """Name or path of the recipe; None: one that suits the data and this machine."""
    data: Path | None = None
    """The prepared data set; None: that of the recipe, of the run or of the project, or the newest."""
    run: Path | None = None
    """The run folder; None: a new one, or with `resume` the one trained last."""
    overrides: list[str] = field(default_factory=list)
    """Changes of the recipe, `section.key=value`."""
    resume: bool = False
    """Go on with a run."""
    finish: bool = False
    """Close a run that was stopped, in place of training."""
    fold: int | None = None
    """Fold of the cross-validation; None: the first, or that of the run."""
    init: Path | None = None
    """Run or checkpoint whose network and weights a new run begins with."""
    strategy: str = "auto"
    """How devices share the work."""
    max_time: str | None = None
    """Time after which to stop, as `deadline.seconds` reads it; None: no limit."""
    replay: Path | None = None
    """Folder of a step to repeat, instead of training."""
    dry_run: bool = False
    """Try a few steps and write nothing."""
    project: Path | None = None
    """The project file; None: `casnet.toml`, if it is there."""
    settled: bool = False
    """The recipe is whole: of the run `init` only the weights are taken, not the network."""
    recipe_name: str | None = None
    """Name of the recipe, for the run's record; None: that of its file."""


@dataclass(frozen=True)
class New:
    """A run that begins."""

    plan: "RunPlan"
    """The recipe and its images."""
    reason: str
    """Which recipe and data were chosen, and why: a line for the user."""
    run: Path | None
    """Its folder; None: one that is made."""
    init: Path | None
    """Checkpoint of another run whose weights it begins with."""


@dataclass(frozen=True)
class Continued:
    """A run that goes on from its last checkpoint."""

    plan: "RunPlan"
    """The recipe, changes included, and its images."""
    reason: str
    """A line for the user."""
    run: Path
    """Its folder."""
    saved: "Meta"
    """Meta of its last checkpoint."""


@dataclass(frozen=True)
class Finished:
    """A run that has come to its end, or that `--finish` brings there."""

    plan: "RunPlan"
    """The recipe and its images."""
    reason: str
    """A line for the user."""
    run: Path
    """Its folder."""
    saved: "Meta"
    """Meta of its last checkpoint."""


@dataclass(frozen=True)
class Replay:
    """A step that is repeated."""

    folder: Path
    """Where it was kept."""


def train(options: TrainOptions) -> Path | None:
    """Train, or continue, and return the run folder; None where nothing was written.

    Exits 130 when stopped by a signal or its time limit, 1 on a loss that is not finite. Raises CasnetError.
    """
    deadline = Deadline(seconds(options.max_time) if options.max_time else None)
    match resolve(options):
        case Replay(folder):
            from casnet_cli.workflows.train.replay import replay

            replay(folder)
            return None
        case Finished(plan, reason, run, saved):
            from casnet_cli.workflows.train.finishing import complete

            console.message(reason)
            complete(run, plan, saved)
            return run
        case New(plan, reason, run, init):
            from casnet_cli.workflows.train.plan import Start

            console.message(reason)
            console.notes(plan.store.digests.remarks)
            return _run(plan, Start(run, init), options, deadline)
        case Continued(plan, reason, run, saved):
            from casnet_cli.runs.trained import TrainedRun
            from casnet_cli.workflows.train.plan import Start

            console.message(reason)
            last = TrainedRun(locate.RunLayout(run).last, saved, run)
            console.notes((*plan.store.digests.remarks, *last.remarks))
            return _run(plan, Start(run, saved=saved), options, deadline)


def resolve(options: TrainOptions) -> New | Continued | Finished | Replay:
    """What `casnet train` is to do by its options, checked as far as is possible without the back end.

    Nothing is written, but that a last checkpoint that is gone is replaced by the best one. Raises CasnetError.
    """
    if options.replay:
        return Replay(options.replay)
    if options.finish:
        return _resolve_finish(options)
    options = _with_run(options)
    if options.run:
        from casnet_cli.runs.folder import RunFolder

        run = RunFolder(options.run)
        if saved := run.resumable():
            return _resolve_continued(options, options.run, saved)
        if options.resume and options.recipe is None:
            options = _as_begun(options, run.begun_with())
    choice = new_choice(options)
    if options.recipe_name:
        choice = replace(choice, recipe_name=options.recipe_name)
    from casnet_cli.data.store import Store
    from casnet_cli.workflows.train.plan import RunPlan

    plan = RunPlan.of(choice, Store(choice.data), options.fold)
    init = locate.checkpoint_of(options.init) if options.init else None
    return New(plan, choice.reason, options.run, init)


def new_choice(options: TrainOptions) -> Choice:
    """Recipe and data of a run that begins, the network that of `options.init` if it is fine-tuned."""
    if not options.init or options.settled:
        choice = choose(options.recipe, options.data, options.overrides, options.project)
        from casnet_cli.workflows.rare_settings import with_data

        return with_data(with_bands(choice, options.overrides), options.fold)
    file = locate.checkpoint_of(options.init)
    from casnet_cli.runs.checkpoint import read_meta
    from casnet_cli.workflows.rare_settings import with_data

    network = read_meta(file).recipe.model
    choice = choose(options.recipe, options.data, options.overrides, options.project)
    own = [text for text in options.overrides if text.startswith("model.")]
    resolved = recipes.changed(choice.recipe.model_copy(update={"model": network}), own)
    reason = f"{choice.reason}, from the network and weights of {file}"
    return with_data(with_bands(replace(choice, recipe=resolved, reason=reason), own), options.fold)


def _with_run(options: TrainOptions) -> TrainOptions:
    """With the run that `--resume` means, and its last checkpoint in place."""
    if options.resume and options.run is None:
        options = replace(options, run=locate.newest_begun())
    run = options.run
    if run and run.exists() and not run.is_dir():
        raise InputError(f"{run}: not a folder (--run takes the folder of a run)")
    if run and options.resume and not options.dry_run:
        from casnet_cli.runs.folder import RunFolder

        if RunFolder(run).recover():
            console.message(f"{run}: last.h5 is gone, best.h5 takes its place")
    return options


def _as_begun(options: TrainOptions, begun: "Beginning | None") -> TrainOptions:
    """The options with what a run was begun with in place of those not given."""
    if begun is None:
        return options
    init = begun.init if options.init is None else None
    return replace(
        options,
        recipe=str(begun.recipe),
        data=options.data or begun.data,
        fold=begun.fold if options.fold is None else options.fold,
        init=init or options.init,
        settled=init is not None,
        recipe_name=begun.recipe_name,
    )


def _resolve_finish(options: TrainOptions) -> Finished:
    if options != TrainOptions(run=options.run, data=options.data, strategy=options.strategy, finish=True):
        raise InputError("--finish: closes a run as it is (--run and --data alone may stand beside it)")
    options = _with_run(replace(options, resume=True))
    nothing = RunError(f"{options.run or RUNS}: nothing to finish, as there is no run with a checkpoint")
    if not options.run:
        raise nothing
    from casnet_cli.runs.folder import RunFolder

    saved = RunFolder(options.run).resumable()
    if not saved:
        raise nothing
    found = _resolve_continued(options, options.run, saved)
    reason = f"finishing {found.run} after step {saved.progress.step}, on {found.plan.store.path}"
    return Finished(found.plan, reason, found.run, saved)


def _resolve_continued(options: TrainOptions, run: Path, saved: "Meta") -> Continued | Finished:
    if not options.resume and not options.dry_run:
        raise RunError(f"{run}: holds a run already (continue it by --resume, or choose another --run)")
    choice = _continued_choice(options, run, saved)
    from casnet_cli.data.store import Store
    from casnet_cli.workflows.train.plan import RunPlan, Start

    store = Store(choice.data)
    if store.content_sha256 != saved.data_sha256:
        raise RunError(f"{choice.data}: not the data that {run} was trained on (name those by --data)")
    plan = RunPlan.of(choice, store, saved.fold)
    if options.dry_run or not Start(run, saved=saved).finished(plan):
        return Continued(plan, choice.reason, run, saved)
    changes = recipes.differences(saved.recipe, choice.recipe)
    plays = () if saved.schedule["finished"] else ("training.epochs",)  # the end of the schedule holds for more epochs
    if idle := [change for change in changes if not change.startswith(plays)]:
        further = f"--init {typed(run)} begins another run with its weights"
        raise RunError(*(f"{run}: finished, so nothing comes of {change} ({further})" for change in idle))
    return Finished(plan, choice.reason, run, saved)


def _continued_choice(options: TrainOptions, run: Path, saved: "Meta") -> Choice:
    """The run's own recipe with the changes of `--set`, and its data."""
    from casnet_cli.runs.trained import TrainedRun, open_run_data
    from casnet_cli.workflows.rare_settings import with_data

    if options.fold not in (None, saved.fold):
        raise InputError(f"--fold {options.fold}: {run} was begun on fold {saved.fold} (leave it out)")
    resolved = recipes.changed(saved.recipe, options.overrides)
    changes = recipes.differences(saved.recipe, resolved)
    fixed = [change for change in changes if change.startswith(FIXED) and "frozen" not in change]
    if fixed:
        raise RunError(*(f"{run}: cannot change in a run that goes on: {change} (use --init)" for change in fixed))
    path = open_run_data(TrainedRun(locate.RunLayout(run).last, saved, run), options.data).path
    if options.recipe is not None:
        named = recipes.load(recipes.find(options.recipe), options.overrides)
        named = with_data(Choice(run.name, named, path, ""), saved.fold).recipe
        if others := recipes.differences(resolved, named):
            raise RunError(
                *(f"{run}: the recipe has changed: {change} (name the change by --set)" for change in others)
            )
    with_changes = f", with {'; '.join(changes)}" if changes else ""
    reason = f"continuing {run} after step {saved.progress.step} on {path}{with_changes}"
    return Choice(run.name, resolved, path, reason)


def _run(plan: "RunPlan", start: "Start", options: TrainOptions, deadline: Deadline) -> Path | None:
    """Train, or with `--dry-run` try it."""
    from casnet_cli.reports.loggers import check_installed
    from casnet_cli.workflows.train.setup import set_up_training

    check_installed(plan.recipe.training.loggers)
    setup = set_up_training(plan, start, options.strategy)
    setup.pace.before = deadline.passed()
    if options.dry_run:
        from casnet_cli.workflows.train.rehearsal import rehearse

        rehearse(setup)
        return None
    from casnet_cli.workflows.train.trainer import run_training

    try:
        return run_training(setup, deadline)
    finally:
        backend.release_memory()
