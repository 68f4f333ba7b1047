"""`casnet predict` on many small images with broken ones among them: all named, the rest done, memory flat; and once
more, killed three times at random moments and then finished: nothing half, nothing lost.

python tests/benchmarks/broken_inputs.py RUN [NUMBER] [BROKEN]       # default 10,000 with 100 broken ones among them
"""

import io
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

WARM = 1000
"""Images after which memory should grow no more."""

KILLS = 3
IN_FLIGHT = 64
"""Images that a kill may cost: those waiting for their turn, in the network's batch, and being written."""


# Inputs


def whole(seed: int, kind: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((64, 48)).save(file, kind)
    return file.getvalue()


def header(width: int, height: int) -> bytes:
    """A PNG file that claims such a size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def unreadable(file: Path) -> None:
    file.write_bytes(whole(0))
    file.chmod(0)


BROKEN: dict[str, Callable[[Path], object]] = {
    "cut": lambda file: file.write_bytes(whole(1)[:300]),
    "cut-png": lambda file: file.write_bytes(whole(2, "PNG")[:-900]),
    "empty": lambda file: file.touch(),
    "text": lambda file: file.write_text("no picture"),
    "no-size": lambda file: file.write_bytes(header(0, 48)),
    "absurd-size": lambda file: file.write_bytes(header(2_000_000_000, 2_000_000_000)),
    "loop": lambda file: file.symlink_to(file.name),
    "dangling": lambda file: file.symlink_to("nowhere.jpg"),
    "unreadable": unreadable,
    "pipe": lambda file: os.mkfifo(file),
}


def make(folder: Path, number: int, broken: int) -> None:
    """Broken ones at random places among a hundred folders."""
    makers = list(BROKEN.items())
    places = {place: makers[index % len(makers)] for index, place in enumerate(random.sample(range(number), broken))}
    for index in range(number):
        file = folder / f"{index % 100:02d}" / f"{index:06d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        if index in places:
            name, spoil = places[index]
            spoil(file.with_stem(f"{file.stem}-{name}"))
        else:
            file.write_bytes(whole(index))


# Calls


@dataclass
class Watched:
    """A process that was watched."""

    code: int = 0
    """Its exit code."""
    times: list[tuple[int, float]] = field(default_factory=list)
    """Lines of the manifest, and seconds since the start at which there were so many."""
    memory: list[tuple[int, int]] = field(default_factory=list)
    """Lines of the manifest, and resident bytes then."""

    def memory_at(self, lines: int) -> float:
        return next((size for count, size in self.memory if count >= lines), self.memory[-1][1]) / 2**20

    @property
    def rate(self) -> float:
        (first, began), (last, ended) = next(each for each in self.times if each[0]), self.times[-1]
        return (last - first) / max(ended - began, 1e-9)


def predict(run: Path, images: Path, out: Path, kill_at: int | None = None) -> Watched:
    """kill_at: lines of the manifest at which the process is killed."""
    command = [sys.executable, "-m", "casnet_cli", "--quiet", "predict", images, "--run", run, "--out", out]
    if os.geteuid() == 0:  # root reads everything, unless it gives that up
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    return watched(command, out / "manifest.jsonl", kill_at)


def watched(command: list[object], manifest: Path, kill_at: int | None = None) -> Watched:
    found, start = Watched(), time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            lines = manifest.read_bytes().count(b"\n") if manifest.exists() else 0
            found.times.append((lines, time.monotonic() - start))
            if resident := resident_bytes(process.pid):
                found.memory.append((lines, resident))
            if kill_at is not None and lines >= kill_at:
                process.kill()
            time.sleep(0.05)
    found.code = process.returncode
    return found


def resident_bytes(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


# What must hold


def records(out: Path) -> list[dict[str, object]]:
    text = (out / "manifest.jsonl").read_text()
    assert text.endswith("\n"), "the last line of the manifest is not whole"
    return [json.loads(line) for line in text.splitlines()]


def check_whole(out: Path) -> int:
    """Every file under its own name can be read to its end, those of the manifest are there; returns how many masks
    have no line yet."""
    masks = set()
    for file in out.rglob("*"):
        if file.suffix in (".png", ".jpg") and not file.name.startswith("."):
            with Image.open(file) as image:
                image.load()
                assert image.size == (64, 48), file
            if file.suffix == ".png" and ".difficulty" not in file.name:
                masks.add(file.relative_to(out).as_posix())
    named = {record["mask"] for record in records(out) if record["status"] == "ok"}
    assert named <= masks, f"lines without masks: {named - masks}"
    return len(masks - named)


def check_result(out: Path, images: Path, number: int, broken: int) -> tuple[int, int]:
    """Good and failed inputs by the last line of each; the failed ones are the broken ones."""
    last = {str(record["file"]): record for record in records(out)}
    assert set(last) == {str(file) for file in images.rglob("*.jpg")}, "lines and inputs differ"
    failed = {file for file, record in last.items() if record["status"] == "failed"}
    assert failed == {file for file in last if "-" in Path(file).name}, "the failed ones are not the broken ones"
    assert all(last[file]["error"] for file in failed)
    assert not list(out.rglob(".*.part")), "something unfinished is left"
    assert check_whole(out) == 0
    assert (len(last) - len(failed), len(failed)) == (number - broken, broken)
    return len(last) - len(failed), len(failed)


def through(run: Path, images: Path, out: Path, number: int, broken: int) -> None:
    done = predict(run, images, out)
    good, failed = check_result(out, images, number, broken)
    early, late = done.memory_at(WARM), done.memory[-1][1] / 2**20
    print(f"in one go: {good} good, {failed} failed by name, exit {done.code}, {done.rate:.0f} images/s")
    print(f"memory: {early:.0f} MiB after {WARM} images, {late:.0f} MiB at the end", flush=True)
    reasons = {str(record["error"]) for record in records(out) if record["status"] == "failed"}
    print(*(f"    {reason}" for reason in sorted(reasons)), sep="\n", flush=True)


def killed(run: Path, images: Path, out: Path, number: int, broken: int) -> None:
    for kill in range(KILLS):
        before = len(records(out)) if out.exists() else 0
        at = before + random.randint(1, number // (KILLS + 1))
        assert predict(run, images, out, at).code == -9
        lost = check_whole(out)
        print(f"kill {kill + 1}: at {len(records(out))} lines, all whole, {lost} masks without a line", flush=True)
        assert lost <= IN_FLIGHT
    code = predict(run, images, out).code
    good, failed = check_result(out, images, number, broken)
    twice = sum(record["status"] == "ok" for record in records(out)) - good
    print(f"finished: {good} good, {failed} failed by name, exit {code}, {twice} labelled twice", flush=True)
    began = time.monotonic()
    code = predict(run, images, out).code
    print(f"once more: exit {code}, {time.monotonic() - began:.0f} s")


def main() -> None:
    run = Path(sys.argv[1]).absolute()
    number, broken = map(int, (sys.argv[2:] + ["10000", "100"][len(sys.argv) - 2 :])[:2])
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
        images = Path(place) / "images"
        make(images, number, broken)
        through(run, images, Path(place) / "through", number, broken)
        killed(run, images, Path(place) / "killed", number, broken)


if __name__ == "__main__":
    main()
