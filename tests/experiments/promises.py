"""How reliable is `casnet predict`? Accuracy after rejection, and the warning of harder images.

    python tests/experiments/promises.py --folder promises --run runs/A data/a.h5 --other data/b.h5

For each --run: its images that neither trained it nor selected its checkpoint are labelled by `casnet predict
--target-accuracy` at several targets, and the masks compared with the truth: share and accuracy expected from the
validation images beside those of these images. Then all sets, those of --other too, are labelled by each run, and the
warning is tried on folders of 20, 50 and 100 images drawn from each: on a run's own set every warning is a false alarm,
on another set it should come.
"""

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from series import casnet  # type: ignore[import-not-found]

from casnet_cli.data.store import Store, Subset
from casnet_cli.evaluation.calibration import threshold_for
from casnet_cli.evaluation.difficulty_shift import difficulty_shift
from casnet_cli.evaluation.per_image import interval
from casnet_cli.labels import VOID
from casnet_cli.runs import trained

TARGETS = (0.9, 0.95, 0.97, 0.99)
FOLDERS, DRAWS = (20, 50, 100), 1000


@dataclass(frozen=True)
class TestSet:
    """Images of a data set that no training used."""

    run: Path | None
    """The run on this data set; None: a set of --other."""
    calibration: dict
    """That run's calibration."""
    images: Subset
    """The images with their labels."""
    files: list[Path]
    """The images as files."""


def held_out(data: Store, fold: int | None, name: str | None) -> Subset:
    """The part of that name; else the test images, else the validation images."""
    parts = data.parts(fold)
    return parts[name or ("test" if "test" in parts else "val")]


def photos(images: Subset, folder: Path) -> list[Path]:
    """Write the images to files."""
    files = []
    for record in images:
        kind = "png" if record.image[:4] == b"\x89PNG" else "jpg"
        files.append(folder / f"{record.name.replace('/', '-')}.{kind}")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        if not files[-1].is_file():
            files[-1].write_bytes(record.image)
    return files


def predict(run: Path | None, files: list[Path], out: Path, target: float | None = None) -> list[dict]:
    """Lines of the manifest, in the order of the files."""
    words = ["--target-accuracy", target] if target else []
    casnet("predict", files[0].parent, "--run", run, "--out", out, "--no-overlay", *words)
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    by_file = {Path(line["file"]).name: line for line in lines if line.get("status") == "ok"}
    return [by_file[file.name] for file in files]


def measured(files: list[Path], images: Subset, out: Path) -> dict:
    """Share of the labelled pixels that are kept, accuracy among them, and its 95 % interval over images."""
    from casnet_cli.data.images import decode_label

    counts = []
    for file, record in zip(files, images, strict=True):
        truth = np.asarray(decode_label(record.label))
        with Image.open(out / f"{file.stem}.png") as opened:
            mask = np.asarray(opened)
        known = truth != VOID
        counts.append((known.sum(), (known & (mask != VOID)).sum(), (known & (mask == truth)).sum()))
    table = np.array(counts)
    drawn = np.random.default_rng(0).integers(0, len(table), (DRAWS, len(table)))
    sums = table[drawn].sum(1)
    labelled, kept, right = table.sum(0)
    return {"share": kept / labelled, "accuracy": right / kept, "ci95": interval(sums[:, 2] / sums[:, 1])}


def kept(one: TestSet, target: float, out: Path) -> tuple[tuple | None, dict | None]:
    """Share and accuracy on the validation images, and on the set's own; None: no threshold reaches the target."""
    expected = threshold_for(one.calibration["selective"], target)
    if expected is None:
        return None, None
    predict(one.run, one.files, out, target)
    return expected[1:], measured(one.files, one.images, out)


def warned(difficulties: list[float], validation: list[float], images: int) -> float | None:
    """The share of folders of so many images, drawn without replacement, for which the warning comes."""
    if len(difficulties) < images:
        return None
    rng = np.random.default_rng(0)
    drawn = [rng.choice(difficulties, images, replace=False) for _ in range(DRAWS)]
    return float(np.mean([difficulty_shift(own, validation).harder for own in drawn]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--run", type=Path, nargs="+", action="append", required=True, metavar="RUN DATA [SPLIT]")
    parser.add_argument("--other", type=Path, nargs="+", action="append", default=[], metavar="DATA [SPLIT]")
    options = parser.parse_args()
    sets = {}
    for run, data, *split in [*options.run, *((None, *other) for other in options.other)]:
        opened, meta = Store(data), trained.find_run(run).meta if run else None
        images = held_out(opened, meta.fold if meta else None, str(split[0]) if split else None)
        files = photos(images, options.folder / "photos" / opened.name)
        sets[opened.name] = TestSet(run, meta.calibration if meta else {}, images, files)
    own = {name: one for name, one in sets.items() if one.run}
    rows = [
        (name, target, *kept(one, target, options.folder / f"{name}-{target}"))
        for name, one in own.items()
        for target in TARGETS
    ]
    warnings = []
    for (name, one), (other, theirs) in itertools.product(own.items(), sets.items()):
        lines = predict(one.run, theirs.files, options.folder / f"{name}-on-{other}")
        ours, validation = [line["difficulty_mean"] for line in lines], one.calibration["difficulty"]
        shares = [warned(ours, validation, count) for count in (*FOLDERS, len(ours))]
        warnings.append((name, other, len(validation), len(ours), float(np.mean(ours)), shares))
    for name, target, expected, found in rows:
        if not expected:
            print(f"| {name} | {target} | no threshold reaches it |")
            continue
        low, high = found["ci95"]
        print(
            f"| {name} | {100 * target:.0f} | {100 * expected[0]:.1f} / {100 * expected[1]:.1f} "
            f"| {100 * found['share']:.1f} / {100 * found['accuracy']:.1f} [{100 * low:.1f}, {100 * high:.1f}] |"
        )
    for name, other, validation, images, mean, shares in warnings:
        cells = " | ".join("–" if share is None else f"{100 * share:.1f}" for share in shares)
        print(f"| {name} ({validation} val) | {other} | {images} | {mean:.3f} | {cells} |")
    (options.folder / "promises.json").write_text(json.dumps({"rejection": rows, "warnings": warnings}, indent=2))


if __name__ == "__main__":
    main()
