"""The picture of what leaving the fine branch out saves and costs."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casnet_cli.util.files import write_whole

if TYPE_CHECKING:
    pass


def draw(told: dict[str, Any], file: Path) -> None:
    """Accuracy over time an image, as a picture. Raises OSError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    seconds = [1000 * point["seconds"] for point in told["points"]]
    accuracy = [100 * point["accuracy"] for point in told["points"]]
    axes.plot(seconds, accuracy, color="#2f6db3", label="--fine auto, by threshold")
    whole = told["points"][0]["accuracy"]
    axes.plot(1000 * told["always_seconds"], 100 * whole, "s", color="#222222", label="--fine always")
    if told["chosen"]:
        place = 1000 * told["chosen"]["seconds"], 100 * told["chosen"]["accuracy"]
        axes.plot(*place, "o", color="#d1495b", label=f"validation's threshold ({place[1]:.1f} %)")
    axes.set(xlabel="milliseconds an image", ylabel="pixels right, %", title="Leaving the fine branch out")
    axes.grid(color="#dddddd")
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_whole(file, buffer.getvalue())
