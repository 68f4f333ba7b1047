"""What `casnet predict` does once all inputs are labelled: the files that hold all of them."""

from typing import TYPE_CHECKING

from casnet_cli import console
from casnet_cli.prediction.folder_files import folder_file, write_folder_files
from casnet_cli.prediction.output_kinds import FOLDER_KINDS

if TYPE_CHECKING:
    from casnet_cli.prediction.inputs import Job
    from casnet_cli.prediction.manifest import Manifest
    from casnet_cli.prediction.outputs import Outputs


def write_together(
    manifest: "Manifest[Outputs]",
    share: tuple[int, int] | None,
    jobs: "list[Job]",
    relabelled: bool,
    chosen: bool = False,
) -> None:
    """Write the files of all images, and show what they lack and which of earlier calls are out of date.

    share: I and N of `--shard`; the files then hold these jobs alone. relabelled: whether this call has changed masks.
    chosen: whether the files hold these jobs alone, in their order. Raises InputError.
    """
    outputs = manifest.outputs
    if outputs.together:
        files, notes = write_folder_files(manifest, share, (job.file for job in jobs) if share or chosen else None)
        console.notes(notes)
        for file in files:
            console.message(f"all labelled pictures: {file}")
    others = [name for name in FOLDER_KINDS if name not in outputs.together] if relabelled else []
    for name in others:
        if (file := folder_file(outputs.folder, name, share)).exists():
            console.message(f"note: {file} is older than some masks (--save {name} writes it anew)")
