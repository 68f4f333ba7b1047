"""Speed and memory of `casnet rank` on many photographs, beside `casnet predict` on the same ones.

    python tests/benchmarks/ranking.py RUN DATA.h5 [NUMBER]       # default 5,000: the data's own, at half their size

Images a second once the first are through, and resident memory after 1,000 images and at the end, of two pairs in turn.
"""

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from broken_inputs import WARM, watched  # type: ignore[import-not-found]
from PIL import Image

from casnet_cli.data.store import Store

PAIRS = 2


def make(folder: Path, data: Path, number: int) -> None:
    records = next(iter(Store(data).parts().values()))
    for index in range(number):
        photo = Image.open(io.BytesIO(records[index % len(records)].image)).convert("RGB")
        photo.resize([max(32, side // 2) for side in photo.size]).save(folder / f"{index:05d}.jpg")


def main() -> None:
    run, data = map(Path, sys.argv[1:3])
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
    with TemporaryDirectory() as place:
        images = Path(place) / "images"
        images.mkdir()
        make(images, data, number)
        rates: dict[str, list[float]] = {"predict": [], "rank": []}
        for pair in range(PAIRS):
            for name in rates:
                out = Path(place) / f"{name}-{pair}"
                target = out if name == "predict" else out.with_suffix(".csv")
                command = [sys.executable, "-m", "casnet_cli", "--quiet", name, images, "--run", run, "--out", target]
                call = watched(command, out / "manifest.jsonl")
                rates[name].append(call.rate)
                print(
                    f"{name}: exit {call.code}, {call.rate:.1f} images/s, {call.memory_at(WARM):.0f} MiB after {WARM} "
                    f"images, {call.memory[-1][1] / 2**20:.0f} MiB at the end",
                    flush=True,
                )
        ratios = [ours / theirs for ours, theirs in zip(rates["rank"], rates["predict"], strict=True)]
        print(f"rank at {' and '.join(f'{ratio:.2f}' for ratio in ratios)} times the rate of predict")


if __name__ == "__main__":
    main()
