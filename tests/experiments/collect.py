"""Keep the metrics of runs: they go to docs/results, and a line of results.md for each is printed.

    python tests/experiments/collect.py RUN [RUN …]

metrics.json of every evaluation and history.csv go into docs/results/<run folder's name>/, for a run inside a series
<series>/<run>/. The line names command, recipe, seed, data, versions and hours, as run.json and history.csv have them.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "docs" / "results"
METRICS = ("pixel_accuracy", "class_accuracy", "mean_iou")


def keep(run: Path) -> str:
    """Copy the files of a run; returns its line of results.md."""
    series = run.parent if (run.parent / "summary.json").is_file() else None
    target = RESULTS / (f"{series.name}/{run.name}" if series else run.name)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(run / "history.csv", target)
    if series:
        summary = json.loads((series / "summary.json").read_text())
        del summary["data"]  # where the data lay on that machine
        (target.parent / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    cells_by_evaluation = {}
    for metrics in sorted(run.glob("eval/*/metrics.json")):
        shutil.copy(metrics, target / f"{metrics.parent.name}.json")
        record = json.loads(metrics.read_text())
        cells_by_evaluation[metrics.parent.name] = " / ".join(f"{100 * record[key]:.1f}" for key in METRICS)
    about = json.loads((run / "run.json").read_text())
    with open(run / "history.csv") as file:
        rows = list(csv.DictReader(file))
    hours = sum(float(row[key] or 0) for row in rows for key in ("train_seconds", "val_seconds")) / 3600
    command = " ".join(["casnet", *about["command"][1:]])
    versions = ", ".join(f"{name} {about['packages'][name]}" for name in ("tensorflow", "keras"))
    cells = [
        str(target.relative_to(RESULTS)),
        f"`{command}`",
        f"{about['seed']}",
        f"{about['data_sha256'][:12]}",
        f"{len(rows)}",
        f"{hours:.2f}",
        "; ".join(f"{name}: {text}" for name, text in cells_by_evaluation.items()),
        f"{versions}, {about['machine']}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(keep(Path(name)))
