"""Several runs of one recipe in one folder, trained one after the other and measured; each of them may go on later."""

import json
import os
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from casnet_cli import console, engine, paths
from casnet_cli import recipe as recipes
from casnet_cli.choice import choose
from casnet_cli.commands import deadline
from casnet_cli.commands.evaluation_session import Question, folder_of, measure
from casnet_cli.commands.training_session import Request, train
from casnet_cli.data.store import Store
from casnet_cli.errors import InputError, RunError, reason
from casnet_cli.evaluation import tally
from casnet_cli.evaluation.tally import Tally
from casnet_cli.recipe import Recipe
from casnet_cli.runs import RunFolder, find

SUMMARY = "summary.json"


@dataclass(frozen=True)
class Member:
    """One run: the name of its folder and what it changes in the recipe."""

    name: str
    overrides: tuple[str, ...] = ()
    fold: int | None = None


@dataclass(frozen=True)
class Series:
    """kind: `crossval` or `ablate`. name: of the recipe. tta: how the runs are measured."""

    folder: Path
    kind: str
    name: str
    recipe: Recipe
    store: Store
    tta: str

    def evaluation(self, member: Member) -> Path | None:
        """Where a member's figures lie; None if it was not measured since it was trained to its end.

        Raises RunError for a run, brought here by hand perhaps, of another recipe or other data.
        """
        run = RunFolder(self.folder / member.name)
        saved = run.resumable() if run.best.is_file() else None
        if saved is None or not saved.finished:
            return None
        if others := recipes.differences(recipes.changed(self.recipe, member.overrides), saved.recipe):
            raise RunError(*(f"{run.path}: of another recipe: {change}" for change in others))
        if saved.data_sha256 != self.store.content_sha256 or (member.fold and saved.fold != member.fold):
            raise RunError(f"{run.path}: trained on other data than the rest of {self.folder}")
        out = folder_of(find(run.path), self.split(member), self.tta)
        metrics = out / "metrics.json"
        fresh = metrics.is_file() and metrics.stat().st_mtime_ns >= run.best.stat().st_mtime_ns
        return out if fresh else None

    def split(self, member: Member) -> str:
        """The images that a member is measured on: test, else val."""
        return "test" if "test" in self.store.parts(member.fold) else "val"

    def tallies(self, members: Sequence[Member]) -> list[Tally]:
        """Counts of each image, of the members that are measured. Raises RunError if a file is damaged."""
        found = [self.evaluation(member) for member in members]
        return [tally.load(out / tally.FILE) for out in found if out]

    def write(self, summary: dict[str, Any]) -> None:
        """summary.json, whole or not at all. Raises RunError."""
        about = {
            "kind": self.kind,
            "recipe": self.name,
            "data": str(self.store.path.resolve()),
            "data_name": self.store.name,
            "data_sha256": self.store.content_sha256,
            "tta": self.tta,
        }
        partial = self.folder / f".{SUMMARY}.{os.getpid()}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(about | summary, indent=2) + "\n", encoding="utf-8")
            os.replace(partial, self.folder / SUMMARY)
        except OSError as error:
            raise RunError(f"{self.folder}: cannot be written: {reason(error)}") from None


def read_summary(folder: Path) -> dict[str, Any]:
    """What `Series.write` wrote. Raises RunError."""
    try:
        about = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        missing = {"kind", "recipe", "data", "data_name", "data_sha256"} - set(about)
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{folder / SUMMARY}: not readable: {reason(error)}") from None
    if missing:
        raise RunError(f"{folder / SUMMARY}: lacks {', '.join(sorted(missing))}")
    return dict(about)


def open_series(kind: str, request: Request, tta: str) -> Series:
    """A new folder `runs/<recipe>-<kind>-<NNN>` or `request.run`; with --resume the one that goes on, if there is one.

    The folder keeps the resolved recipe; going on with another is refused. Raises CasnetError.
    """
    folder = request.run or (_newest(kind) if request.resume else None)
    if folder and (folder / SUMMARY).exists():
        if not request.resume:
            raise RunError(f"{folder}: holds a {kind} already (continue it by --resume, or choose another --run)")
        return _continued(kind, folder, request, tta)
    if folder and folder.exists() and (not folder.is_dir() or (folder / "checkpoints").exists()):
        raise InputError(f"{folder}: not the folder of a {kind} (--run takes that of a {kind}, or a new one)")
    choice = choose(request.recipe, request.data, request.overrides)
    console.say(choice.reason)
    store = Store(choice.data)
    folder = folder or paths.claim_run(f"{choice.name}-{kind}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recipe.toml").write_text(recipes.dumps(choice.recipe), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {reason(error)}") from None
    return Series(folder, kind, choice.name, choice.recipe, store, tta)


def _newest(kind: str) -> Path | None:
    begun = sorted(paths.RUNS.glob(f"*/{SUMMARY}"), key=lambda file: file.stat().st_mtime_ns)
    return next((file.parent for file in reversed(begun) if read_summary(file.parent)["kind"] == kind), None)


def _continued(kind: str, folder: Path, request: Request, tta: str) -> Series:
    about = read_summary(folder)
    if about["kind"] != kind:
        raise RunError(f"{folder}: holds a {about['kind']}, no {kind} (choose another --run)")
    kept = recipes.load(folder / "recipe.toml")
    wanted = recipes.load(recipes.find(request.recipe), request.overrides) if request.recipe else None
    if others := recipes.differences(kept, wanted or recipes.changed(kept, request.overrides)):
        raise RunError(*(f"{folder}: begun with another recipe: {change} (begin anew)" for change in others))
    store = Store(request.data or Path(about["data"]))
    if store.content_sha256 != about["data_sha256"]:
        raise RunError(f"{store.path}: not the data that {folder} was begun with (name those by --data)")
    return Series(folder, kind, about["recipe"], kept, store, tta)


def run_members(series: Series, members: Sequence[Member], request: Request) -> Iterator[Member]:
    """Train and measure each that is not yet, yielding it then. Exits 130 when stopped. Raises CasnetError."""
    ends = time.monotonic() + deadline.seconds(request.max_time) if request.max_time else None
    for number, member in enumerate(members, 1):
        if series.evaluation(member):
            continue
        if ends and time.monotonic() >= ends:
            again = f"casnet {series.kind} --run {shlex.quote(str(series.folder))} --resume"
            console.say(f"stopped before --max-time; go on: {again}")
            raise typer.Exit(130)
        console.say(f"{series.folder / member.name} ({number} of {len(members)})")
        train(_request(series, member, request, ends))
        question = Question(series.store.path, series.split(member), member.fold, series.tta, worst=6)
        measure(series.folder / member.name, question)
        engine.forget()
        yield member


def _request(series: Series, member: Member, request: Request, ends: float | None) -> Request:
    return Request(
        str(series.folder / "recipe.toml"),
        series.store.path,
        series.folder / member.name,
        list(member.overrides),
        resume=True,
        fold=member.fold,
        init=request.init,
        strategy=request.strategy,
        max_time=f"{(ends - time.monotonic()) / 60:.6f}" if ends else None,
    )
