"""Disks that run full, names without room, and other things in the way of an output."""

import errno
import io
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.predictions import LABELS, label, manifest, opened, picture

from casnet_cli.errors import InputError
from casnet_cli.prediction import image_pipeline
from casnet_cli.prediction.inputs import Job
from casnet_cli.prediction.manifest import Manifest
from casnet_cli.prediction.outputs import Outputs


@contextmanager
def room_for(most: int) -> Iterator[None]:
    """Lets files grow to so many bytes alone, as on a disk that runs full; pytest's own output too, until this ends."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("room", "overlay"), [(60, False), (1000, False), (9000, True)])  # no map, no mask, no overlay
def test_a_full_disk_ends_the_call_and_leaves_nothing_half(folder: Path, room: int, overlay: bool) -> None:
    for index in range(9):
        picture(index, 160, 120).save(folder / f"{index}.png")
    with room_for(room), pytest.raises(InputError, match=r"cannot be written: File too large"):
        label(folder, overlay=overlay)
    out = folder.parent / "out"
    assert not list(out.rglob(".*"))
    for file in out.rglob("*.*g"):
        opened(file)
    assert all((out / str(record["mask"])).exists() for record in manifest(folder))


def test_a_line_that_does_not_fit_is_not_there_at_all(folder: Path) -> None:
    label(folder)
    path = folder.parent / "out" / "manifest.jsonl"
    before = path.read_bytes()
    with Manifest(Outputs(path.parent, LABELS, "run 1")) as full:
        refused = pytest.raises(InputError, match=r"manifest\.jsonl: cannot be written: File too large")
        with room_for(len(before) + 40), refused:
            full.failed(Job(Path("x.png"), Path("x")), "broken")
        assert path.read_bytes() == before
        full.failed(Job(Path("x.png"), Path("x")), "broken")
    assert manifest(folder)[-1]["file"] == "x.png"


def test_outputs_that_have_no_place_fail_by_name(folder: Path) -> None:
    picture(3).save(folder / f"{'l' * 235}.png")  # room for its outputs, and none for a longer temporary name
    picture(4).save(folder / f"{'m' * 251}.png")
    picture(5, 66_000, 1).save(folder / "wide.png")
    picture(6).save(folder / "taken.png")
    (folder.parent / "out" / "taken.png").mkdir(parents=True)
    (folder.parent / "out" / "sub").touch()
    records = {Path(str(record["file"])).name[:8]: record for record in label(folder)}
    assert {name for name, record in records.items() if record["status"] == "ok"} == {"a.png", "l" * 8}
    expected = {
        "m" * 8: "File name too long",
        "wide.png": "a JPEG has at most 65,500 pixels a side (--no-overlay)",
        "taken.pn": "Is a directory",
        "b.JPG": "File exists",
    }
    for name, words in expected.items():
        assert str(records[name]["error"]).endswith(f"cannot be written: {words}")
    assert not list((folder.parent / "out").rglob(".*"))
    assert len(label(folder, overlay=False)) == 4 and len(label(folder, overlay=False)) == 3


def test_pipes_are_no_images(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")  # to open it would be to wait for somebody who writes to it
    failed = [record for record in label(folder) if record["status"] == "failed"]
    assert [record["error"] for record in failed] == ["not a regular file"]


def test_folders_and_other_things_that_are_named_as_manifests(folder: Path) -> None:
    out = folder.parent / "out"
    (out / "manifest-2-of-2.jsonl").mkdir(parents=True)
    (out / "manifest-old.jsonl").symlink_to("nowhere")
    (out / "manifest.jsonl").write_text('{"somebody": "else\'s"}')  # and no end of the line
    assert len(label(folder)) == 2 and label(folder) == []
    assert manifest(folder)[0] == {"somebody": "else's"} and len(manifest(folder)) == 3
    with pytest.raises(InputError, match=r"manifest-2-of-2\.jsonl: cannot be written: Is a directory"):
        Manifest(Outputs(out, LABELS, "run 1"), (2, 2))


def test_the_file_that_cannot_be_written_is_the_one_that_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*given: object) -> None:
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr("casnet_cli.prediction.writers.write_overlay", too_large)
    with pytest.raises(InputError, match=r"\.overlay\.jpg: cannot be written: File too large"):
        label(folder)


def test_standard_input_without_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_pipeline, "EXTRA_BYTES", 5 << 20)
    given = io.BytesIO(bytes(6 << 20) + b"further on")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
    with pytest.raises(ValueError, match=r"more than 0 GiB from standard input \(give the file by its name"):
        image_pipeline._content(Job(Path("-"), Path("stdin")))
    assert given.read() == b"further on"
