"""Several runs of one recipe in one folder, trained one after the other and measured; each of them may go on later."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from casnet_cli import console, paths
from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.errors import BackendError, RunError, reason
from casnet_cli.evaluation.measurement import EvalProtocol, EvaluationKey, evaluation_key
from casnet_cli.recipe import Recipe
from casnet_cli.runs import locate
from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.runs.folder import RunFolder
from casnet_cli.runs.json_record import read_record
from casnet_cli.runs.locate import SUMMARY
from casnet_cli.runs.records import SeriesMetrics, SeriesOptions, SeriesSummary
from casnet_cli.runs.trained import find_run
from casnet_cli.training import slurm
from casnet_cli.util.files import write_whole
from casnet_cli.util.shell import typed
from casnet_cli.workflows.rare_settings import with_data
from casnet_cli.workflows.recipe_choice import Choice
from casnet_cli.workflows.train import deadline
from casnet_cli.workflows.train.plan import RunPlan
from casnet_cli.workflows.train.session import TrainOptions, new_choice


@dataclass(frozen=True)
class Member:
    """One run of a series."""

    name: str
    """Name of its folder."""
    overrides: tuple[str, ...] = ()
    """What it changes in the recipe, `section.key=value`."""
    fold: int | None = None
    """Fold that it is trained on; None: the data have no folds."""


@dataclass(frozen=True)
class Series:
    """A folder of runs."""

    folder: Path | None
    """The folder; None: not made yet."""
    kind: str
    """The command: `crossval` or `ablate`."""
    name: str
    """Name of the recipe."""
    recipe: Recipe
    """The recipe, which members change."""
    store: Store
    """The data set."""
    tta: str
    """Views whose probabilities are averaged when runs are measured."""
    begun: SeriesSummary | None = None
    """summary.json of a series that goes on."""
    options: SeriesOptions = field(default_factory=SeriesOptions)
    """Options of the command, which a continuation need not name again."""

    def path(self, member: Member) -> Path:
        """The run folder of a member."""
        assert self.folder is not None
        return self.folder / member.name

    def key(self, member: Member) -> EvaluationKey | None:
        """What is to be evaluated of a member; None if it is not trained to its end.

        Raises RunError for a run, brought here by hand perhaps, of another recipe, fold or data.
        """
        run = RunFolder(self.path(member))
        if not run.best.is_file():
            return None
        saved = read_meta(run.newest)
        if not saved.finished:
            return None
        if others := recipes.differences(recipes.changed(self.recipe, member.overrides), saved.recipe):
            raise RunError(*(f"{run.path}: of another recipe: {change}" for change in others))
        if saved.data_sha256 != self.store.content_sha256:
            raise RunError(f"{run.path}: trained on other data than {self.store.path}")
        if saved.fold != member.fold:
            raise RunError(f"{run.path}: trained on fold {saved.fold} (expected {member.fold})")
        return evaluation_key(find_run(run.path), self.store, None, member.fold, EvalProtocol(self.tta))

    def evaluated(self, member: Member) -> EvaluationKey | None:
        """The evaluation of a member; None if it has not been evaluated. Raises RunError as `key`."""
        key = self.key(member)
        return key if key and key.per_image() else None

    def write(self, metrics: SeriesMetrics) -> None:
        """Put the metrics for this `tta` into summary.json, beside those for others. Raises RunError."""
        assert self.folder is not None
        there = (self.folder / SUMMARY).exists()
        before = read_summary(self.folder) if there else self.begun
        after = SeriesSummary(
            kind=self.kind,
            recipe=self.name,
            data=str(self.store.path.resolve()),
            data_name=self.store.name,
            data_sha256=self.store.content_sha256,
            options=self.options,
            figures=(before.figures if before else {}) | {self.tta: metrics},
        )
        if before and after.model_dump() == before.model_dump():
            return
        try:
            write_whole(self.folder / SUMMARY, after.as_json())
        except OSError as error:
            raise RunError(f"{self.folder}: cannot be written: {reason(error)}") from None

    def resume_command(self) -> str:
        """The command that goes on."""
        tta = "" if self.tta == "none" else f" --tta {self.tta}"
        return f"casnet {self.kind} --run {typed(self.folder)} --resume{tta}"


def read_summary(folder: Path) -> SeriesSummary:
    """What `Series.write` wrote. Raises RunError."""
    return read_record(SeriesSummary, folder / SUMMARY)


def open_series(kind: str, options: TrainOptions, tta: str) -> Series:
    """The series that options begin or, with --resume, go on with; nothing is written yet. Raises CasnetError."""
    if options.max_time:
        deadline.seconds(options.max_time)  # a mistake in it shows before any work
    several = "TF_CONFIG" in os.environ or slurm.task_count() > 1
    if options.strategy == "multi-worker" or (options.strategy == "auto" and several):
        raise BackendError(f"casnet {kind}: its processes do not share a run (--strategy single, or mirrored)")
    folder = options.run or (_newest(kind) if options.resume else None)
    if folder and (folder / SUMMARY).exists():
        return _continued(kind, folder, options, tta)
    if folder and folder.exists() and (not folder.is_dir() or locate.RunLayout(folder).checkpoints.exists()):
        raise RunError(f"{folder}: not a folder of casnet {kind} (--run takes that of one, or a new folder)")
    choice = new_choice(options)
    console.message(choice.reason)
    own = SeriesOptions(init=str(options.init.resolve())) if options.init else SeriesOptions()
    return Series(folder, kind, choice.name, choice.recipe, Store(choice.data), tta, options=own)


def _newest(kind: str) -> Path | None:
    summaries = sorted(paths.RUNS.glob(f"*/{SUMMARY}"), key=lambda file: file.stat().st_mtime_ns)
    for file in reversed(summaries):
        with contextlib.suppress(RunError):
            if read_summary(file.parent).kind == kind:
                return file.parent
    return None


def _continued(kind: str, folder: Path, options: TrainOptions, tta: str) -> Series:
    begun = read_summary(folder)
    if begun.kind != kind:
        raise RunError(f"{folder}: written by casnet {begun.kind} (choose another --run)")
    if not options.resume:
        raise RunError(
            f"{folder}: holds runs of casnet {kind} already (continue it by --resume, or choose another --run)"
        )
    recipe = recipes.load(locate.RunLayout(folder).recipe)
    data = Path(begun.data)
    if options.data is None and not data.is_file():
        raise RunError(f"{data}: the data of {folder} are gone (name them by --data FILE)")
    store = Store(options.data or data)
    if store.content_sha256 != begun.data_sha256:
        raise RunError(f"{store.path}: not the data that {folder} was begun with (name those by --data)")
    named = recipes.changed(recipe, options.overrides)
    if options.recipe:
        named = recipes.load(recipes.find(options.recipe), options.overrides)
        named = with_data(Choice(begun.recipe, named, store.path, "")).recipe
    if others := recipes.differences(recipe, named):
        raise RunError(*(f"{folder}: begun with another recipe: {change} (choose another --run)" for change in others))
    return Series(folder, kind, begun.recipe, recipe, store, tta, begun, begun.options)


def begin(series: Series, members: Sequence[Member]) -> Series:
    """The series with its folder and recipe.toml, made if it is new, once its members are known to be possible.

    Raises CasnetError; a folder with another recipe.toml is left alone.
    """
    for member in members:
        recipe = recipes.changed(series.recipe, member.overrides)
        RunPlan.of(Choice(series.name, recipe, series.store.path, ""), series.store, member.fold)
    if series.begun:
        return series
    folder = series.folder or locate.claim_run(f"{series.name}-{series.kind}")
    text, file = recipes.dumps(series.recipe), locate.RunLayout(folder).recipe
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(file, "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        if others := recipes.differences(recipes.load(file), series.recipe):
            raise RunError(f"{file}: another recipe is there already: {others[0]} (choose another --run)") from None
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {reason(error)}") from None
    return replace(series, folder=folder)
