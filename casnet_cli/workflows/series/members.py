"""The runs of a series, one after the other: trained, then measured."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from casnet_cli import backend, console
from casnet_cli.errors import RunBusy
from casnet_cli.runs.folder import RunFolder
from casnet_cli.workflows.evaluate.session import EvaluateOptions, evaluate_key
from casnet_cli.workflows.series.series import Member, Series
from casnet_cli.workflows.train import deadline
from casnet_cli.workflows.train.calibrate import is_calibrated
from casnet_cli.workflows.train.session import TrainOptions, train


def run_members(series: Series, members: Sequence[Member], options: TrainOptions) -> Iterator[Member]:
    """Train and measure each that is not yet, yielding it then; one that another process trains is left to it.

    Exits 130 when stopped by a signal or --max-time, telling how to go on. Raises CasnetError.
    """
    ends = time.monotonic() + deadline.seconds(options.max_time) if options.max_time else None
    for number, member in enumerate(members, 1):
        if series.evaluated(member):
            continue
        console.message(f"{series.path(member)} ({number} of {len(members)})")
        try:
            _run_member(series, member, options, ends)
        except RunBusy:
            console.message(f"{series.path(member)}: another process is at it, left to that")
            continue
        except (TimeoutError, KeyboardInterrupt, typer.Exit) as stop:
            if isinstance(stop, typer.Exit) and stop.exit_code != 130:
                raise
            console.message(f"stopped; the rest by: {series.resume_command()}")
            raise typer.Exit(130) from None
        finally:
            backend.release_memory()
        yield member


def _run_member(series: Series, member: Member, options: TrainOptions, ends: float | None) -> None:
    """ends: time to stop at, of `time.monotonic`. Raises TimeoutError then."""
    if ends and time.monotonic() >= ends:
        raise TimeoutError
    run, init = RunFolder(series.path(member)), series.options.init
    if series.key(member) is None or not is_calibrated(run.best):
        own = TrainOptions(
            str(run.path.parent / "recipe.toml"),
            series.store.path,
            run.path,
            list(member.overrides),
            resume=True,
            fold=member.fold,
            init=Path(init) if init else None,
            settled=True,
            recipe_name=series.name,
            strategy=options.strategy,
            max_time=f"{(ends - time.monotonic()) / 60:.6f}" if ends else None,
        )
        train(own)
    key = series.key(member)
    assert key is not None
    held = run.lock(console.once)
    try:
        evaluate_key(key, EvaluateOptions(ends=ends))
    finally:
        held.close()
