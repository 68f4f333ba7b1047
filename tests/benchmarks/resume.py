"""What going on at step 100,000 costs beside a fresh start: python resume.py DATA.h5 [RECIPE] [ROUNDS].

Times two processes in turn from their start to their second step, and prints the medians and their ratio.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

STEP = 100_000
SETTINGS = ["--set", "training.epochs=100000", "--set", "training.checkpoint_every_steps=1"]


def seconds_to_second_step(command: list[str]) -> float:
    began = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("training: "):
                taken = time.perf_counter() - began
                process.kill()
                return taken
    raise SystemExit(f"{' '.join(command)}: ended before its second step")


def main(data: str, recipe: str = "demo", rounds: str = "5") -> None:
    train = [sys.executable, "-m", "casnet_cli", "train"]
    with tempfile.TemporaryDirectory() as name:
        late = Path(name) / "late"
        seconds_to_second_step([*train, recipe, "--data", data, "--run", str(late), *SETTINGS])
        with h5py.File(late / "checkpoints" / "last.h5", "r+") as file:
            file.attrs["progress"] = json.dumps({"step": STEP, "sums": {}, "history": []})
            del file.attrs["content_sha256"]
        kept = (late / "checkpoints" / "last.h5").read_bytes()
        times: dict[str, list[float]] = {"fresh": [], "resumed": []}
        for number in range(int(rounds)):
            fresh = [*train, recipe, "--data", data, "--run", f"{name}/fresh-{number}", *SETTINGS]
            times["fresh"].append(seconds_to_second_step(fresh))
            (late / "checkpoints" / "last.h5").write_bytes(kept)
            times["resumed"].append(seconds_to_second_step([*train, "--run", str(late), "--resume"]))
    medians = {kind: statistics.median(values) for kind, values in times.items()}
    print(f"seconds to the second step: {medians}, ratio {medians['resumed'] / medians['fresh']:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
