"""What `casnet check` does: a mistake shows here, before the slower imports of the work."""

from pathlib import Path

from casnet_cli import console
from casnet_cli.data import sources
from casnet_cli.errors import DataError
from casnet_cli.util.files import check_replaceable, check_writable, titled
from casnet_cli.workflows.own_options import FOLDER, FolderOptions
from casnet_cli.workflows.project import OwnRequest, completed, named

PAGE, TITLE = "check.html", "Check of "


def run(
    data: str | None, folder: FolderOptions, out: Path | None, json: str | None, project: Path | None = None
) -> bool:
    """Check a data set, show the findings, and write the page into `out` and the result to `json`.

    data: a prepared file; a raw folder, archive or name of a known set; or `FOLDER`, with its options; None:
    what the project file names, which is `project`, or `casnet.toml`.
    Returns whether there is neither an error nor a warning. Raises CasnetError if the data cannot be checked.
    """
    if out:
        check_writable(out)
        check_replaceable(out / PAGE, titled(TITLE), "page of casnet check")
    console.check_json(json, out and out / PAGE)
    request = completed(OwnRequest(data, folder), project)
    what = named(request, "check", "DATA")
    if what not in (FOLDER, *sources.SOURCES) and not Path(what).exists():
        known = ", ".join(sources.SOURCES)
        raise DataError(f"{what}: no such file, folder or data set (known: {known}; or folder, with --images …)")
    from casnet_cli.workflows.checking import check

    return check(what, request.options, out, json)
