"""What `casnet compare` does: a mistake shows here, before the slower imports of the work."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from casnet_cli import console
from casnet_cli.errors import RunError
from casnet_cli.reports.compare import TITLE
from casnet_cli.runs import locate
from casnet_cli.util.files import check_replaceable, check_writable, titled
from casnet_cli.util.shell import typed

PAGE = "compare.html"
"""Name of the page."""


@dataclass(frozen=True)
class ComparedRuns:
    """A run, or those of a series that belong together."""

    title: str
    """For the user."""
    files: dict[str, Path]
    """The checkpoints, by their seed or fold; of a single run by ''."""


def compare(
    given: Sequence[Path], data: Path | None, split: str | None, tta: str, file: str | None, out: Path | None = None
) -> None:
    """Evaluate what is not yet evaluated, then show the tables.

    given: runs and series. file: for the metrics as JSON. out: folder for the page. Raises CasnetError.
    """
    if out:
        check_writable(out)
        check_replaceable(out / PAGE, titled(TITLE), "page of casnet compare")
    console.check_json(file, out and out / PAGE)
    groups = [group for path in given for group in _groups(path)]
    _check_distinct(groups)
    from casnet_cli.workflows.series import comparison

    comparison.compare(groups, data, split, tta, file, out)


def _groups(path: Path) -> list[ComparedRuns]:
    """The run of a path, or the groups of runs of a series. Raises RunError."""
    if not (path / locate.SUMMARY).is_file():
        return [ComparedRuns(str(path), {"": locate.checkpoint_of(path)})]
    from casnet_cli.runs.checkpoint import read_meta
    from casnet_cli.runs.folder import RunFolder
    from casnet_cli.workflows.series.series import read_summary
    from casnet_cli.workflows.series.summary import place

    kind = read_summary(path).kind
    groups: dict[str, dict[str, Path]] = {}
    for run in map(RunFolder, locate.runs_with_best(path)):
        group, apart = run.path.name.partition("-")[0], place(run.path.name)
        if apart and read_meta(run.newest).finished:
            groups.setdefault(str(path) if group == "fold" else str(path / group), {})[apart] = run.best
    if not groups:
        how = f"casnet {kind} --run {typed(path)} --resume"
        raise RunError(f"{path}: none of its runs is trained yet (go on by {how})")
    return [ComparedRuns(title, files) for title, files in groups.items()]


def _check_distinct(groups: Sequence[ComparedRuns]) -> None:
    """Raises RunError."""
    titles: set[tuple[Path, ...]] = set()
    for group in groups:
        files = tuple(sorted(path.resolve() for path in group.files.values()))
        if files in titles:
            raise RunError(f"{group.title}: named twice (a run compared with itself shows nothing)")
        titles.add(files)
