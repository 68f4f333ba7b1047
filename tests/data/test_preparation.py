"""From raw files to the prepared one, by archive, by folder, and by download from a server on loopback."""

import json
import platform
import shutil
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.datasets import LABELS, blocks

from casnet_cli.data.images import decode_label, encode_label
from casnet_cli.data.preparation import prepare
from casnet_cli.data.sources.base import Entry, Sample, Source
from casnet_cli.data.store import Store
from casnet_cli.errors import DataError, InputError
from casnet_cli.util.files import unfinished_name

DEAD = 2**22 + 5
"""More than any process has for a number."""


def entries(root: Path) -> list[Entry]:
    folder = root / "Blocks" if (root / "Blocks").is_dir() else root
    return [Entry("train", file.stem, partial(load, file)) for file in sorted(folder.glob("*.png"))]


def load(file: Path) -> Sample:
    return Sample(file.read_bytes(), np.array(decode_label(file.with_suffix(".ids").read_bytes())))


def source(**changes: object) -> Source:
    settings = {"folder": "Blocks", "archives": ("Blocks.zip",), "counts": (("train", 3),), "entries": entries}
    return Source("blocks", LABELS, **{**settings, **changes})  # type: ignore[arg-type]


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "elsewhere" / "Blocks"
    folder.mkdir(parents=True)
    for index in range(3):
        (folder / f"{index}.png").write_bytes(blocks(index).image)
        (folder / f"{index}.ids").write_bytes(encode_label(blocks(index).label))
    return folder


def zipped(raw: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for file in raw.iterdir():
            archive.write(file, f"Blocks/{file.name}")
    return target


def silent(doing: str, done: int, total: int | None) -> None:
    """No progress."""


@pytest.mark.parametrize("place", ["data/Blocks.zip", "Blocks.zip"])
def test_an_archive_under_its_official_name_is_found(raw: Path, place: str) -> None:
    zipped(raw, Path(place))
    prepared = prepare(source(), Path("data"), None, None, silent)
    assert prepared.path == Path("data/blocks.h5") and not prepared.unchanged
    store = Store(prepared.path)
    assert store.names == {"train": ["0", "1", "2"]}
    assert len(store.file.attrs["source_sha256"]) == 64
    assert {path.name for path in Path("data").iterdir()} <= {"blocks.h5", "Blocks.zip"}


def test_unchanged_data_are_only_touched_and_changed_ones_prepared_again(raw: Path) -> None:
    out = Path("here.h5")
    run = partial(prepare, source(), Path("data"), out, raw, silent)
    assert not run().unchanged
    before = out.stat()
    again = run()
    assert again.unchanged and out.stat().st_ino == before.st_ino and out.stat().st_mtime_ns > before.st_mtime_ns
    (raw / "0.ids").write_bytes(encode_label(blocks(9).label))
    assert not run().unchanged


def test_what_links_lead_to_counts_and_the_prepared_file_itself_does_not(raw: Path) -> None:
    linked = Path("linked")
    linked.mkdir()
    (linked / "Blocks").symlink_to(raw)
    (raw / "again").symlink_to(raw)
    out = linked / "own.h5"
    run = partial(prepare, source(), Path("data"), out, linked, silent)
    assert not run().unchanged and run().unchanged
    sha = Store(out).file.attrs["source_sha256"]
    (raw / "0.ids").write_bytes(encode_label(blocks(9).label))
    assert not run().unchanged and run().unchanged
    assert Store(out).file.attrs["source_sha256"] != sha


def test_an_incomplete_copy_is_refused_and_nothing_written(raw: Path) -> None:
    (raw / "2.png").unlink()
    with pytest.raises(DataError, match="2 train images .a complete blocks has 3"):
        prepare(source(), Path("data"), None, raw, silent)
    assert not list(Path("data").glob("*.h5"))


def test_missing_data_are_named_with_the_place_to_put_them(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the tries of a download
    with pytest.raises(DataError, match="put Blocks.zip or the folder Blocks/ there"):
        prepare(source(), Path("data"), None, None, silent)
    with pytest.raises(DataError, match="--source nowhere: no such file"):
        prepare(source(), Path("data"), None, Path("nowhere"), silent)
    with pytest.raises(DataError, match=r"could not be downloaded.*put Blocks.zip or the folder Blocks/ into data/"):
        prepare(source(url="http://127.0.0.1:9/Blocks.zip"), Path("data"), None, None, silent)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    served = tmp_path / "served"
    served.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_of_before_digests_or_with_damaged_attributes_is_prepared_again(raw: Path) -> None:
    folder = raw / "elsewhere/Blocks" if (raw / "elsewhere").is_dir() else raw

    def again() -> bool:
        return prepare(source(), raw / "data", None, folder, lambda *_: None).unchanged

    assert not again() and again()
    for change in ("digest", "content"):
        with h5py.File(raw / "data/blocks.h5", "r+") as file:
            if change == "digest":
                del file["train/digest"]
            else:
                file.attrs["content"] = "['no JSON']"
        assert not again() and again()


def test_a_missing_archive_is_downloaded_into_data(raw: Path, server: str, tmp_path: Path) -> None:
    zipped(raw, tmp_path / "served" / "Blocks.zip")
    steps = []
    progress = lambda step, done, total: steps.append(step)  # noqa: E731
    prepared = prepare(source(url=f"{server}/Blocks.zip"), Path("data"), None, None, progress)
    assert len(Store(prepared.path).names["train"]) == 3 and Path("data/Blocks.zip").exists()
    assert set(steps) == {"downloading", "preparing"}


def test_a_copy_that_differs_from_the_known_one_is_named_or_refused(raw: Path) -> None:
    folder = raw / "elsewhere/Blocks" if (raw / "elsewhere").is_dir() else raw
    good = prepare(source(), raw / "data", None, folder, lambda *_: None)
    assert good.foreign == ()
    with h5py.File(good.path) as file:
        known = json.loads(file.attrs["content"])
    assert set(known) == {"train images", "train labels"}
    assert prepare(source(content=known), raw / "data", None, folder, lambda *_: None, strict=True).foreign == ()
    label = np.array(decode_label((folder / "1.ids").read_bytes()))
    label[20, 20] = (label[20, 20] + 1) % 3
    (folder / "1.ids").write_bytes(encode_label(label))
    for _ in range(2):  # as it is written, and when it is there already
        again = prepare(source(content=known), raw / "data", None, folder, lambda *_: None)
        assert again.foreign == ("train labels",)
    before = good.path.read_bytes()
    with pytest.raises(DataError, match="train labels are not those of the copy that casnet knows"):
        prepare(source(content=known), raw / "data", None, folder, lambda *_: None, strict=True)
    assert good.path.read_bytes() == before


def test_what_a_killed_preparation_left_is_removed(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Path("data")
    data.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("os.getpid", lambda: DEAD)
        dead = [unfinished_name(data / "blocks.h5"), unfinished_name(data / "unpacked")]
    alive = unfinished_name(data / "blocks.h5").with_name(f".blocks.h5.{platform.node()}-1.part")
    for file in (dead[0], alive, data / ".blocks.h5.elsewhere-7.part"):
        file.write_text("half")
    dead[1].mkdir()
    (dead[1] / "image.png").write_text("half")
    archive = zipped(raw, raw.parent / "Blocks.zip")
    prepare(source(), data, None, archive, silent)
    assert {path.name for path in data.iterdir()} == {"blocks.h5", alive.name, ".blocks.h5.elsewhere-7.part"}


def test_a_disk_that_is_too_small_is_found_before_anything_is_written(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    prepare(source(), Path("data"), None, raw, silent, on_space=told.append)
    assert len(told) == 1 and told[0].startswith("data/blocks.h5: about ") and "by 3 of 3 images" in told[0]
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    zipped(raw, Path("other/Blocks.zip"))
    for given, what in ((raw, "new/blocks.h5: needs"), (Path("other/Blocks.zip"), "by the files in Blocks.zip")):
        own = [Entry("train", file.stem, partial(load, file), file) for file in sorted(raw.glob("*.png"))]
        with pytest.raises(InputError, match=f"{what}.*free"):
            prepare(source(entries=lambda root, own=own: own), Path("new"), None, given, silent)
    assert not list(Path("new").rglob("*"))
