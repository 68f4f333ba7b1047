"""What TensorBoard finds in a run folder, read back without tensorboardX's own framing, and what a full disk does."""

import io
import math
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event, SessionLog

from casnet_cli.reports.tensorboard import LARGEST, Events

FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from casnet_cli.reports.tensorboard import Events

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
events = Events(Path(sys.argv[1]), 0)
noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
for step in range(1, 1001):
    events.scalars(step, {"train/loss": 1.0})
    if sys.argv[2] == "pictures":
        events.picture(step, "sample", noise)
events.flush()
events.close()
assert events.fault and "File too large" in events.fault, events.fault
assert not {"tensorflow", "torch"} & set(sys.modules)
"""


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum bit by bit, as in RFC 3720, B.4."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read(file: Path, whole: bool = True) -> list[Event]:
    """The records of a TFRecord file. whole: the last one must not be cut off."""
    content, found, at = file.read_bytes(), [], 0
    while at < len(content):
        header, rest = content[at : at + 8], content[at + 8 :]
        length = struct.unpack("<Q", header)[0] if len(header) == 8 else len(content)
        if len(rest) < 4 + length + 4:
            assert not whole, "cut off"
            break
        payload = rest[4 : 4 + length]
        assert struct.unpack("<I", rest[:4])[0] == masked(header)
        assert struct.unpack("<I", rest[4 + length : 8 + length])[0] == masked(payload)
        found.append(Event.FromString(payload))
        at += 8 + 4 + length + 4
    return found


def files(folder: Path) -> list[Path]:
    """In the order in which TensorBoard reads them."""
    return sorted(folder.glob("events.out.tfevents.*"))


def shown(folder: Path) -> dict[tuple[str, int], float]:
    """Scalars by tag and step after the purges, as TensorBoard does them. Fails if something is shown twice."""
    left: dict[tuple[str, int], float] = {}
    for file in files(folder):
        for event in read(file):
            if event.session_log.status == SessionLog.START:
                left = {key: value for key, value in left.items() if key[1] < event.step}
            for value in event.summary.value:
                assert (value.tag, event.step) not in left
                left[value.tag, event.step] = value.simple_value
    return left


def train(folder: Path, first: int, last: int, loss: float) -> None:
    events = Events(folder, first - 1)
    for step in range(first, last + 1):
        events.scalars(step, {"train/loss": loss})
    events.close()


def test_checksum_of_this_test_is_the_one_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_scalars_and_pictures_can_be_read_back(tmp_path: Path) -> None:
    events = Events(tmp_path, 0)
    events.scalars(1, {"train/loss": 1.5, "train/coarse": math.nan})
    events.scalars(2, {"val/pixel_accuracy": np.float32(0.25), "train/loss": math.inf})
    events.picture(2, "samples/1", Image.new("RGB", (90, 30), (250, 10, 20)))
    events.picture(2, "samples/2", np.full((30, 80, 3), 128, np.uint8))
    events.close()
    (file,) = files(tmp_path)
    version, _, *written = read(file)
    assert version.file_version == "brain.Event:2"
    numbers = {(v.tag, e.step): v.simple_value for e in written for v in e.summary.value if not v.HasField("image")}
    assert numbers.pop(("train/coarse", 1)) != numbers.get(("train/coarse", 1))
    assert numbers == {("train/loss", 1): 1.5, ("val/pixel_accuracy", 2): 0.25, ("train/loss", 2): math.inf}
    pictures = {v.tag: v.image for e in written for v in e.summary.value if v.HasField("image")}
    sizes = {tag: Image.open(io.BytesIO(picture.encoded_image_string)).size for tag, picture in pictures.items()}
    assert sizes == {tag: (picture.width, picture.height) for tag, picture in pictures.items()}
    assert sizes == {"samples/1": (90, 30), "samples/2": (80, 30)}
    red = Image.open(io.BytesIO(pictures["samples/1"].encoded_image_string)).getpixel((45, 15))
    assert np.abs(np.subtract(red, (250, 10, 20))).max() < 5


def test_nan_stays_nan(tmp_path: Path) -> None:
    train(tmp_path, 1, 1, math.nan)
    assert math.isnan(shown(tmp_path)["train/loss", 1])


def test_a_huge_picture_is_scaled_down_and_the_callers_stays(tmp_path: Path) -> None:
    events = Events(tmp_path, 0)
    picture = Image.new("RGB", (70_000, 20))
    events.picture(1, "sample", picture)
    events.close()
    assert picture.size == (70_000, 20) and events.fault is None
    assert read(files(tmp_path)[0])[-1].summary.value[0].image.width == LARGEST


def test_a_resumed_run_shows_each_step_once(tmp_path: Path) -> None:
    train(tmp_path, 1, 30, 1.0)
    train(tmp_path, 21, 25, 2.0)
    assert len(files(tmp_path)) == 2
    assert shown(tmp_path) == {("train/loss", step): 1.0 if step <= 20 else 2.0 for step in range(1, 26)}


def test_a_run_that_begins_anew_hides_what_was_there(tmp_path: Path) -> None:
    train(tmp_path, 1, 5, 1.0)
    train(tmp_path, 1, 2, 2.0)
    assert shown(tmp_path) == {("train/loss", 1): 2.0, ("train/loss", 2): 2.0}


def test_the_file_is_opened_at_the_first_write_and_not_again_after_the_end(tmp_path: Path) -> None:
    events = Events(tmp_path, 3)
    events.flush()
    assert not files(tmp_path)
    events.scalars(4, {"train/loss": 1.0})
    events.flush()
    (file,) = files(tmp_path)
    assert len(read(file)) == 3
    events.close()
    events.scalars(5, {"train/loss": 1.0})
    events.picture(5, "sample", Image.new("RGB", (8, 8)))
    events.close()
    assert files(tmp_path) == [file] and len(read(file)) == 3


def test_a_folder_that_cannot_be_written_to_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    events = Events(tmp_path / "file" / "run", 0)
    assert events.fault is None
    for step in range(1, 4):
        events.scalars(step, {"train/loss": 1.0})
        events.picture(step, "sample", Image.new("RGB", (8, 8)))
    events.flush()
    events.close()
    assert events.fault and "Not a directory" in events.fault
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the file size are POSIX")
@pytest.mark.parametrize("kind", ["scalars", "pictures"])
def test_a_full_disk_is_silent_and_leaves_what_was_written(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", FULL_DISK, str(tmp_path), kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (file,) = files(tmp_path)
    assert len(read(file, whole=False)) >= 4
