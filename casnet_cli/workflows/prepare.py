"""What `casnet prepare` does: a mistake shows here, before the slower imports of the work."""

from dataclasses import replace
from pathlib import Path

from casnet_cli import paths
from casnet_cli.data import sources
from casnet_cli.errors import InputError
from casnet_cli.workflows import adding
from casnet_cli.workflows.own_options import FOLDER, NO_OPTIONS, FolderOptions
from casnet_cli.workflows.project import OwnRequest, completed, named


def run(
    dataset: str | None,
    source: Path | None,
    out: Path | None,
    data: Path | None = None,
    folder: FolderOptions = NO_OPTIONS,
    strict: bool = False,
    add: Path | None = None,
    project: Path | None = None,
) -> Path:
    """Prepare a data set and describe it.

    dataset: name of a known data set, a folder or archive to recognize, or `FOLDER` with its options; None: what the
    project file names. source: the raw data; None: found or downloaded. out: the file to write; None: in the folder
    `data`. strict: refuse data that are not those of the known copy. add: prepared file that one's own pictures are
    added to. project: the project file; None: `casnet.toml`.
    Returns the prepared file, or that of the proposed classes. Raises CasnetError.
    """
    request = OwnRequest(dataset, folder, out)
    request = replace(request, options=adding.options_with(folder, add)) if add else completed(request, project)
    dataset, folder = named(request, "prepare", "DATASET"), request.options
    if dataset != FOLDER and (dataset in sources.SOURCES or not Path(dataset).exists()):
        if folder != NO_OPTIONS and dataset in sources.SOURCES:
            raise InputError(
                f"{dataset}: --images, --masks and their like are for one's own data (casnet prepare folder takes them)"
            )
        known = sources.find(dataset)
        from casnet_cli.workflows import preparing

        return preparing.prepare(known, source, request.out, data, strict)
    if source:
        raise InputError("--source: one's own data are named by --images and --masks or --annotations")
    if folder.propose and request.out:
        raise InputError("--out: the file of prepared data (--propose writes the classes to --classes FILE)")
    from casnet_cli.workflows import preparing

    if dataset != FOLDER:
        return preparing.prepare_path(Path(dataset), request, data or paths.DATA, strict)
    return preparing.propose(folder) if folder.propose else preparing.prepare_own(request, data, strict)
