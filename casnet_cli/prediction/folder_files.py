"""Files that hold all labelled images of a folder, made from the manifest and the masks at the end of a call."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.errors import InputError, reason
from casnet_cli.prediction.inputs import STDIN
from casnet_cli.prediction.manifest import Manifest, share_name
from casnet_cli.prediction.manifest_entry import ManifestEntry
from casnet_cli.prediction.output_files import check_place, is_own
from casnet_cli.prediction.output_kinds import FOLDER_KINDS, FOLDER_STEM, LabelledFile, LabelledFolder

if TYPE_CHECKING:
    from casnet_cli.prediction.outputs import Outputs


@dataclass
class Omitted:
    """Labelled inputs that a file of all images does not hold, and why."""

    found: dict[str, dict[str, None]] = field(default_factory=dict)
    """Why → the files concerned, in order."""

    def add(self, why: str, file: str) -> None:
        """Count an input once, however many files lack it."""
        self.found.setdefault(why, {})[file] = None

    def sentences(self) -> list[str]:
        """One for each reason, with the number of inputs and the first of them."""
        return [f"{len(files):,} left out, {next(iter(files))} first: {why}" for why, files in self.found.items()]


def folder_file(folder: Path, name: str, share: tuple[int, int] | None) -> Path:
    """Where the file of that kind lies. share: I and N of `--shard`, which has a file of its own."""
    return folder / f"{FOLDER_STEM}{share_name(share)}{FOLDER_KINDS[name].ending}"


def write_folder_files(
    manifest: "Manifest[Outputs]", share: tuple[int, int] | None, only: Iterable[Path] | None = None
) -> tuple[list[Path], list[str]]:
    """Write the files of `Outputs.together`: the files, and a sentence for each reason for which inputs are left out.

    share: I and N of `--shard`, for the files' names. only: the inputs that the files hold, in this order; None: all
    that the manifests of the folder list. Raises InputError if a file cannot be written.
    """
    outputs, omitted = manifest.outputs, Omitted()
    usable = {entry["file"]: entry for entry in manifest.usable()}
    entries = (
        list(usable.values()) if only is None else [usable[name] for each in only if (name := str(each)) in usable]
    )
    files = [folder_file(outputs.folder, name, share) for name in outputs.together]
    for name, file in zip(outputs.together, files, strict=True):
        check_place(outputs.folder, file)
        pictures = _pictures(entries, outputs, omitted)
        try:
            FOLDER_KINDS[name].write(file, LabelledFolder(outputs.labels, pictures, outputs.simplify))
        except OSError as error:
            raise InputError(f"{file}: cannot be written: {reason(error)}") from None
    sentences = omitted.sentences()
    if files and only is None and (foreign := manifest.foreign()):
        sentences.append(f"{foreign:,} left out: labelled by another run, or with other options")
    return files, [f"{' and '.join(file.name for file in files)}: {sentence}" for sentence in sentences]


def _pictures(entries: Iterable[ManifestEntry], outputs: "Outputs", omitted: Omitted) -> Iterator[LabelledFile]:
    """The images of these lines with their masks, read again one by one."""
    for entry in entries:
        file, mask = Path(entry["file"]), outputs.folder / cast(str, entry["mask"])
        if why := _unsuited(entry, file):
            omitted.add(why, entry["file"])
            continue
        if os.path.lexists(mask) and not is_own(outputs.folder, cast(str, entry["mask"])):
            omitted.add("in place of the mask lies a link, or something else that is no file", str(mask))
            continue
        try:
            class_ids = outputs.mask_values.class_ids(mask)
        except FileNotFoundError:
            omitted.add("the mask is gone", str(mask))
            continue
        except (*UNREADABLE, MemoryError) as error:
            omitted.add(f"the mask cannot be read: {reason(error)}", str(mask))
            continue
        yield LabelledFile(name_of(entry), file, class_ids, entry["confidence_mean"])


def _unsuited(entry: ManifestEntry, file: Path) -> str | None:
    if "frames" in entry:
        return "frames of a video are no picture files"
    if file == STDIN:
        return "it came by standard input"
    if file.suffix.lower() not in readable_endings():
        return "no picture by its name"
    return None if file.is_file() else "the picture is gone"


def name_of(entry: ManifestEntry) -> str:
    """The input below the folder that was given: as many parts of its path as its mask's name has."""
    parts = Path(os.path.abspath(entry["file"])).parts[1:]
    name = "/".join(parts[-len(PurePosixPath(cast(str, entry["mask"])).parts) :])
    return name.encode("utf-8", "backslashreplace").decode()
