"""Several runs of one recipe in one folder, trained one after the other and measured; each of them may go on later."""

import contextlib
import json
import os
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from casnet_cli import backend, console, paths
from casnet_cli import recipe as recipes
from casnet_cli.data.store import Store
from casnet_cli.errors import BackendError, RunBusy, RunError, reason
from casnet_cli.evaluation.measurement import EvalProtocol, EvaluationKey, evaluation_key
from casnet_cli.recipe import Recipe
from casnet_cli.runs import locate
from casnet_cli.runs.checkpoint import read_meta
from casnet_cli.runs.folder import RunFolder
from casnet_cli.runs.trained import find_run
from casnet_cli.util.files import write_whole
from casnet_cli.workflows.evaluate.session import EvaluateOptions, evaluate_key
from casnet_cli.workflows.recipe_choice import Choice
from casnet_cli.workflows.train import deadline
from casnet_cli.workflows.train.calibrate import calibrated
from casnet_cli.workflows.train.run import TrainingRun
from casnet_cli.workflows.train.session import TrainOptions, new_choice, train

SUMMARY = "summary.json"


@dataclass(frozen=True)
class Member:
    """One run: the name of its folder and what it changes in the recipe."""

    name: str
    overrides: tuple[str, ...] = ()
    fold: int | None = None


@dataclass(frozen=True)
class Series:
    """kind: `crossval` or `ablate`. name: of the recipe. tta: how runs are measured. kept: what summary.json says.

    options: of the command, which a continuation need not name again.
    """

    folder: Path | None
    kind: str
    name: str
    recipe: Recipe
    store: Store
    tta: str
    kept: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def path(self, member: Member) -> Path:
        assert self.folder is not None
        return self.folder / member.name

    def measurement(self, member: Member) -> EvaluationKey | None:
        """What is to be measured of a member; None if it is not trained to its end.

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

    def measured(self, member: Member) -> EvaluationKey | None:
        """The measurement of a member whose figures are there."""
        wanted = self.measurement(member)
        return wanted if wanted and wanted.per_image() else None

    def write(self, figures: dict[str, Any]) -> None:
        """Put the figures of this protocol into summary.json, beside those of others. Raises RunError."""
        assert self.folder is not None
        about = {
            "kind": self.kind,
            "recipe": self.name,
            "data": str(self.store.path.resolve()),
            "data_name": self.store.name,
            "data_sha256": self.store.content_sha256,
            "options": self.options,
        }
        before = self.kept | (read_summary(self.folder) if (self.folder / SUMMARY).exists() else {})
        after = about | {"figures": before.get("figures", {}) | {self.tta: figures}}
        if after == before:
            return
        try:
            write_whole(self.folder / SUMMARY, json.dumps(after, indent=2) + "\n")
        except OSError as error:
            raise RunError(f"{self.folder}: cannot be written: {reason(error)}") from None

    def again(self) -> str:
        """The command that goes on."""
        tta = "" if self.tta == "none" else f" --tta {self.tta}"
        return f"casnet {self.kind} --run {shlex.quote(str(self.folder))} --resume{tta}"


def read_summary(folder: Path) -> dict[str, Any]:
    """What `Series.write` wrote. Raises RunError."""
    file = folder / SUMMARY
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: not readable: {reason(error)}") from None
    kinds = {"kind": str, "recipe": str, "data": str, "data_name": str, "data_sha256": str}
    for key, kind in (kinds | {"options": dict, "figures": dict}).items():
        if not isinstance(about, dict) or not isinstance(about.get(key), kind):
            raise RunError(f"{file}: damaged: {key} is missing or no {kind.__name__}")
    return dict(about)


def open_series(kind: str, request: TrainOptions, tta: str) -> Series:
    """What `request` begins or, with --resume, goes on with; nothing is written yet. Raises CasnetError."""
    if request.max_time:
        deadline.seconds(request.max_time)  # a mistake in it shows before any work
    several = "TF_CONFIG" in os.environ or os.environ.get("SLURM_STEP_NUM_TASKS", "1") != "1"
    if request.strategy == "multi-worker" or (request.strategy == "auto" and several):
        raise BackendError(f"casnet {kind}: its processes do not share a run (--strategy single, or mirrored)")
    folder = request.run or (_newest(kind) if request.resume else None)
    if folder and (folder / SUMMARY).exists():
        return _continued(kind, folder, request, tta)
    if folder and folder.exists() and (not folder.is_dir() or locate.RunLayout(folder).checkpoints.exists()):
        raise RunError(f"{folder}: not the folder of a {kind} (--run takes that of one, or a new folder)")
    choice = new_choice(request)
    console.say(choice.reason)
    options = {"init": str(request.init.resolve())} if request.init else {}
    return Series(folder, kind, choice.name, choice.recipe, Store(choice.data), tta, options=options)


def _newest(kind: str) -> Path | None:
    begun = sorted(paths.RUNS.glob(f"*/{SUMMARY}"), key=lambda file: file.stat().st_mtime_ns)
    for file in reversed(begun):
        with contextlib.suppress(RunError):
            if read_summary(file.parent)["kind"] == kind:
                return file.parent
    return None


def _continued(kind: str, folder: Path, request: TrainOptions, tta: str) -> Series:
    about = read_summary(folder)
    if about["kind"] != kind:
        raise RunError(f"{folder}: written by casnet {about['kind']} (choose another --run)")
    if not request.resume:
        raise RunError(f"{folder}: holds a {kind} already (continue it by --resume, or choose another --run)")
    kept = recipes.load(folder / "recipe.toml")
    wanted = recipes.load(recipes.find(request.recipe), request.overrides) if request.recipe else None
    if others := recipes.differences(kept, wanted or recipes.changed(kept, request.overrides)):
        raise RunError(*(f"{folder}: begun with another recipe: {change} (choose another --run)" for change in others))
    if request.data is None and not Path(about["data"]).is_file():
        raise RunError(f"{about['data']}: the data of {folder} are gone (name them by --data FILE)")
    store = Store(request.data or Path(about["data"]))
    if store.content_sha256 != about["data_sha256"]:
        raise RunError(f"{store.path}: not the data that {folder} was begun with (name those by --data)")
    return Series(folder, kind, about["recipe"], kept, store, tta, about, dict(about["options"]))


def begin(series: Series, members: Sequence[Member]) -> Series:
    """The series with its folder and recipe.toml, made if it is new, once its members are known to be possible.

    Raises CasnetError; a folder with another recipe.toml is left alone.
    """
    for member in members:
        recipe = recipes.changed(series.recipe, member.overrides)
        TrainingRun(Choice(series.name, recipe, series.store.path, ""), series.store, None, member.fold, None)
    if series.kept:
        return series
    folder = series.folder or locate.claim_run(f"{series.name}-{series.kind}")
    text, file = recipes.dumps(series.recipe), folder / "recipe.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(file, "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        if others := recipes.differences(recipes.load(file), series.recipe):
            raise RunError(f"{file}: another recipe is there already: {others[0]} (choose another --run)") from None
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {reason(error)}") from None
    return Series(folder, series.kind, series.name, series.recipe, series.store, series.tta, {}, series.options)


def run_members(series: Series, members: Sequence[Member], request: TrainOptions) -> Iterator[Member]:
    """Train and measure each that is not yet, yielding it then; one that another process trains is left to it.

    Exits 130 when stopped by a signal or --max-time, telling how to go on. Raises CasnetError.
    """
    ends = time.monotonic() + deadline.seconds(request.max_time) if request.max_time else None
    for number, member in enumerate(members, 1):
        if series.measured(member):
            continue
        console.say(f"{series.path(member)} ({number} of {len(members)})")
        try:
            _run_member(series, member, request, ends)
        except RunBusy:
            console.say(f"{series.path(member)}: another process is at it, left to that")
            continue
        except (TimeoutError, KeyboardInterrupt, typer.Exit) as stop:
            if isinstance(stop, typer.Exit) and stop.exit_code != 130:
                raise
            console.say(f"stopped; the rest by: {series.again()}")
            raise typer.Exit(130) from None
        finally:
            backend.release_memory()
        yield member


def _run_member(series: Series, member: Member, request: TrainOptions, ends: float | None) -> None:
    if ends and time.monotonic() >= ends:
        raise TimeoutError
    init = series.options.get("init")
    if series.measurement(member) is None or not calibrated(RunFolder(series.path(member)).best):
        own = TrainOptions(
            str(series.path(member).parent / "recipe.toml"),
            series.store.path,
            series.path(member),
            list(member.overrides),
            resume=True,
            fold=member.fold,
            init=Path(init) if init else None,
            settled=True,
            strategy=request.strategy,
            max_time=f"{(ends - time.monotonic()) / 60:.6f}" if ends else None,
        )
        train(own)
    wanted = series.measurement(member)
    assert wanted is not None
    held = RunFolder(series.path(member)).lock()
    try:
        evaluate_key(wanted, EvaluateOptions(ends=ends))
    finally:
        held.close()
