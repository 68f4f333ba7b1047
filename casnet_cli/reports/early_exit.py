"""The picture of what leaving the fine branch out saves and costs."""

import io
from pathlib import Path

from casnet_cli.evaluation.early_exit import EarlyExitRecord
from casnet_cli.util.files import write_whole


def draw(record: EarlyExitRecord, file: Path) -> None:
    """Accuracy over time an image, as a picture. Raises OSError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    seconds = [1000 * point["seconds"] for point in record["points"]]
    accuracy = [100 * point["accuracy"] for point in record["points"]]
    axes.plot(seconds, accuracy, color="#2f6db3", label="--fine auto, by threshold")
    whole = record["points"][0]["accuracy"]
    axes.plot(1000 * record["always_seconds"], 100 * whole, "s", color="#222222", label="--fine always")
    if record["chosen"]:
        place = 1000 * record["chosen"]["seconds"], 100 * record["chosen"]["accuracy"]
        axes.plot(*place, "o", color="#d1495b", label=f"validation's threshold ({place[1]:.1f} %)")
    axes.set(xlabel="milliseconds an image", ylabel="pixels right, %", title="Leaving the fine branch out")
    axes.grid(color="#dddddd")
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_whole(file, buffer.getvalue())
