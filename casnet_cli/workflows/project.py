"""What the command line and the project file `casnet.toml` say together of one's own data; and the file written."""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli import console, paths
from casnet_cli.data import sources
from casnet_cli.data.layouts.names import TOPS
from casnet_cli.data.masks.mending import Mending
from casnet_cli.data.pixels.options import PictureOptions
from casnet_cli.data.sources.annotation_names import annotation_files
from casnet_cli.errors import DataError, InputError, reason
from casnet_cli.util.files import write_whole
from casnet_cli.util.shell import typed
from casnet_cli.workflows.own_options import FOLDER, FolderOptions, default_name

if TYPE_CHECKING:
    from casnet_cli.data.project import Project

FILE = Path("casnet.toml")
"""The project file of the current folder."""

DATA_KEYS = ("dataset", "images", "masks", "annotations")
"""Keys that say where the data are."""

RIVALS = (
    (("masks",), ("annotations",)),
    (("val_fraction", "test_fraction"), ("split_files",), ("folds",)),
    (("nearest_color",), ("threshold",)),
)
"""Keys of which only one group holds: where the command line has one, the file's others do not count."""


@dataclass(frozen=True)
class OwnRequest:
    """One's own data as a command was given them, with what the project file adds."""

    dataset: str | None
    """Name of a known data set, a path to recognize, or `FOLDER`; None: nothing says what the data are."""
    options: FolderOptions
    """The options."""
    out: Path | None = None
    """The prepared file; None: by its name."""
    file: Path | None = None
    """The project file that was named, so that none is written into the current folder; None: none was."""


def completed(given: OwnRequest, file: Path | None) -> OwnRequest:
    """What was given, with the keys of the project file for what was not.

    file: the one that was named; None: that of the current folder, which is not read if there is none, and has no say
    in data other than its own. Raises InputError for a missing file, DataError for its faults.
    """
    found = file or FILE
    known = given.dataset in sources.SOURCES or Path(given.dataset or "").suffix == ".h5"
    if known or not (file or (FILE.is_file() if given.dataset else FILE.exists())):
        return given
    from casnet_cli.data import project

    own, line = _resolved(project.read(found), found), _keys(given)
    if not file and _other(line, own, given.dataset):
        return given
    taken = {key: value for key, value in own.items() if key not in line and not _rivalled(key, line)}
    _check_paths(taken, found)
    if given.dataset and (more := [key for key in taken if key != "name"]):
        console.message(f"{found} adds {', '.join(more)}")
    both = request_of(taken | line)
    return replace(both, options=replace(both.options, propose=given.options.propose), file=file)


def named(request: OwnRequest, verb: str, argument: str) -> str:
    """The data set of a request, completed by the project file. Raises InputError if nothing says what it is."""
    if request.dataset is None:
        file = request.file or (FILE if FILE.is_file() else None)
        without = f", and {file} names no data" if file else ""
        raise InputError(f"casnet {verb}: missing argument {argument!r}{without} (see casnet {verb} --help)")
    return request.dataset


def keep(request: OwnRequest, prepared: Path) -> None:
    """Write what was prepared into the project file of the current folder, unless it was added to an earlier file.

    A file that is there stays; a message names the keys in which it differs.
    """
    if request.options.add or request.file:
        return
    from casnet_cli.data import project
    from casnet_cli.data.store import Store

    values = _keys(request) | {"name": Store(prepared).name}
    values = {key: values[key] for key in project.Project.model_fields if key in values}
    if os.path.lexists(FILE):
        own = _resolved(project.read(FILE), FILE) if FILE.is_file() else {}
        if differing := [key for key in project.Project.model_fields if _differ(values, own, key)]:
            where = [key for key in differing if key in DATA_KEYS]
            what = "other data" if where else f"another {', '.join(differing)}"
            console.message(f"{FILE} stays as it is, of {what} (remove it for a new one)")
        return
    try:
        write_whole(FILE, project.text_of(values))
    except (OSError, UnicodeEncodeError) as error:
        console.message(f"{FILE}: not written: {reason(error)}")
        return
    console.message(f"wrote {FILE}: from now on casnet prepare, check and train need no names here")


def prepared_file(file: Path | None) -> Path | None:
    """The prepared file of a project; None where no file is named and the current folder has none that names data.

    Raises InputError, and DataError if the file is not there.
    """
    found = file or FILE
    if not (file or FILE.exists()):
        return None
    from casnet_cli.data import project

    own = _resolved(project.read(found), found)
    if not file and not any(key in own for key in (*DATA_KEYS, "name", "out")):
        return None
    data = Path(str(own["out"])) if "out" in own else paths.DATA / f"{_name(own)}.h5"
    if not data.is_file():
        also = f" --project {typed(file)}" if file else ""
        raise DataError(f"{data}: not there, and {found} names it (run `casnet prepare{also}`, or name one by --data)")
    return data


def line_of(request: OwnRequest) -> str:
    """The command that prepares what is requested."""
    folder = request.dataset in (None, FOLDER)
    words = ["casnet", "prepare", FOLDER if folder else str(request.dataset)]
    for key, value in _keys(request).items():
        option = f"--{key.replace('_', '-')}"
        if key == "annotations":
            words += [word for file in request.options.annotations for word in (option, file)]
        elif key != "dataset":
            words += [option, *map(str, value if isinstance(value, tuple) else () if value is True else (value,))]
    lacking = folder and not (request.options.images or request.options.annotations)
    return typed(*words) + (" --images DIR" if lacking else "")


def _name(own: Mapping[str, object]) -> str:
    """The name of the data set, as `prepare` gives it."""
    if own.get("name") or own.get("dataset") in sources.SOURCES:
        return str(own.get("name") or own["dataset"])
    where = next((own[key] for key in DATA_KEYS[:3] if key in own), ".")
    return default_name(Path(str(where)))


def _differ(values: Mapping[str, object], own: Mapping[str, object], key: str) -> bool:
    """Whether a key differs from the file's; NaN is like NaN, and a name that the file leaves out differs from none."""
    return repr(values.get(key)) != repr(own.get(key)) and (key != "name" or values[key] != _name(own))


def _keys(request: OwnRequest) -> dict[str, object]:
    """What a request says, by the keys of the file."""
    from casnet_cli.data import project

    options, pictures, mending = request.options, request.options.pictures, request.options.mending
    values: dict[str, Any] = {
        "dataset": None if request.dataset in (None, FOLDER) else str(Path(str(request.dataset))),
        "out": request.out and str(request.out),
        "split_files": options.split_files and tuple(map(str, options.split_files)),
        **{key: (path := getattr(options, key)) and str(path) for key in ("images", "masks", "classes")},
        **{key: getattr(options, key) for key in ("annotations", "boxes", "name", "pair", "missing", "group_by")},
        **{key: getattr(options, key) for key in ("val_fraction", "test_fraction", "folds")},
        **{key: getattr(pictures, key) for key in ("range", "bands", "nodata", "resize_masks")},
        "nearest_color": mending.nearest,
        "threshold": mending.threshold,
    }
    return {key: values[key] for key in project.Project.model_fields if project.said(values[key])}


def request_of(values: Mapping[str, Any]) -> OwnRequest:
    """The request that has these keys of the file."""

    def path(key: str) -> Path | None:
        return Path(values[key]) if key in values else None

    def taken(*keys: str) -> dict[str, Any]:
        return {key: values[key] for key in keys if key in values}

    lists = tuple(map(Path, values.get("split_files", ())))
    options = FolderOptions(
        images=path("images"),
        masks=path("masks"),
        classes=path("classes"),
        split_files=(lists[0], lists[1], lists[2]) if lists else None,
        pictures=PictureOptions(**taken("range", "bands", "nodata", "resize_masks")),
        mending=Mending(values.get("nearest_color"), values.get("threshold")),
        annotations=tuple(map(str, values.get("annotations", ()))),
        **taken("boxes", "name", "pair", "missing", "group_by"),
        **taken("val_fraction", "test_fraction", "folds"),
    )
    named = any(key in values for key in (*DATA_KEYS, "pair"))
    dataset = str(values["dataset"]) if "dataset" in values else FOLDER if named else None
    return OwnRequest(dataset, options, path("out"))


def _resolved(own: "Project", file: Path) -> dict[str, object]:
    """What a file says, its paths from the current folder on."""
    values, folder = own.given(), file.parent
    known = values.get("dataset") in sources.SOURCES
    for key in ("dataset", "out", "classes", "images", "masks"):
        if key not in values or (known and key == "dataset"):
            continue
        path = folder / str(values[key])
        if key in ("images", "masks") and "dataset" in values and not path.exists():
            path = Path(str(values[key]))  # a folder below the dataset, or a column of it
        values[key] = str(path)
    if own.split_files:
        values["split_files"] = tuple(name if name == "-" else str(folder / name) for name in own.split_files)
    if own.annotations:
        values["annotations"] = tuple(_within(folder, name) for name in own.annotations)
    return values


def _within(folder: Path, annotations: str) -> str:
    """`FILE` or `train=FILE` with the file below the folder."""
    split, equals, name = annotations.partition("=")
    marked = equals and split.lower() in TOPS and not (folder / annotations).exists()
    return f"{split}={folder / name}" if marked else str(folder / annotations)


def _rivalled(key: str, line: Mapping[str, object]) -> bool:
    """Whether the line has another key that excludes this one."""
    for group in RIVALS:
        if mine := next((keys for keys in group if key in keys), None):
            return any(other in line for keys in group if keys != mine for other in keys)
    return False


def _check_paths(taken: Mapping[str, Any], file: Path) -> None:
    """Raises DataError that names each path of the file that leads nowhere, with the nearest one that does."""
    below = () if "dataset" in taken else ("images", "masks")
    named = [(key, taken[key]) for key in ("dataset", *below, "classes") if key in taken]
    named += [("annotations", str(one.file)) for one in annotation_files(taken.get("annotations", ()))]
    named += [("split_files", name) for name in taken.get("split_files", ()) if name != "-"]
    faults = []
    for key, name in named:
        path = Path(name)
        if path.exists() or name in sources.SOURCES:
            continue
        beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, beside, n=1, cutoff=0.4)
        hint = f" (did you mean {close[0]}?)" if close else ""
        faults.append(f"{file}: {key}: {path}: no such file or folder{hint}")
    if faults:
        raise DataError(*faults)


def _other(line: Mapping[str, object], own: Mapping[str, object], dataset: str | None) -> bool:
    """Whether a line is of other data than the file's, or names all of its data itself, as behind `FOLDER`."""
    if dataset in (None, FOLDER):
        return dataset is not None
    if not any(key in own for key in DATA_KEYS):
        return False

    def place(values: Mapping[str, object], key: str) -> object:
        return Path(str(values[key])).resolve() if key in values and key != "annotations" else values.get(key)

    return any(place(line, key) != place(own, key) for key in DATA_KEYS if key in line or key == "dataset")
