"""What `casnet ablate` does: the variants of section 4.3 under one recipe and the same seeds, and table 1."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli import console, engine, published
from casnet_cli.commands.series import Member, Series, open_series, run_members
from casnet_cli.commands.series_figures import SHOWN, Side, cell, show_differences, summarize
from casnet_cli.commands.training_session import Request
from casnet_cli.errors import InputError
from casnet_cli.runs import find, subset

VARIANTS = {"a": "coarse", "b": "static", "c": "attention", "fine": "fine"}
"""The paper's letters, and the fine branch alone, the other reading of table 2's baseline."""

TITLES = {
    "a": "(a) coarse",
    "b": "(b) + fine, 0.5",
    "c": "(c) + attention",
    "fine": "fine alone",
    "c, coarse branch": "(c)'s coarse",
    "c, fine branch": "(c)'s fine",
}
INSIDE = (Side("c", "coarse"), Side("c", "fine"))
PAIRS = (
    (Side("b"), Side("a")),
    (Side("c"), Side("a")),
    (Side("c"), Side("b")),
    (Side("c"), Side("fine")),
    (Side("c"), Side("c", "coarse")),
)
EXAMPLES = 4


def ablate(request: Request, seeds: str, tta: str) -> None:
    """Train and measure what is not yet, write summary.json and figure4.jpg, and show the table. Raises CasnetError."""
    chosen = _seeds(seeds)
    series = open_series("ablate", request, tta)
    fold = request.fold or (1 if series.store.folds else None)
    groups = {
        letter: [
            Member(f"{letter}-seed-{seed}", (f'model.variant="{variant}"', f"training.seed={seed}"), fold)
            for seed in chosen
        ]
        for letter, variant in VARIANTS.items()
    }
    by_seed = [member for members in zip(*groups.values(), strict=True) for member in members]
    sides = [*(Side(letter) for letter in groups), *INSIDE]
    summary = summarize(series, groups, sides, PAIRS)
    series.write(summary)
    for _ in run_members(series, by_seed, request):
        summary = summarize(series, groups, sides, PAIRS)
        series.write(summary)
    show(series, summary, chosen)
    console.result(f"{series.folder}: summary.json, {_figure4(series, groups['c'][0]).name}")


def _seeds(text: str) -> list[int]:
    """Raises InputError."""
    try:
        seeds = [int(word) for word in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or max(seeds) >= 2**32 or len(set(seeds)) < len(seeds):
        raise InputError(f"--seeds {text}: not a list of different seeds (whole numbers from 0, as in 0,1,2)")
    return seeds


def show(series: Series, summary: dict[str, Any], seeds: list[int]) -> None:
    """Table 1 with the paper's figures beside, and the differences."""
    paper = published.ABLATION.get(series.store.name, {})
    rows = [
        (
            TITLES.get(name, name),
            *(cell(group, key) for key in SHOWN),
            f"{paper[name]}" if name in paper else "–",
        )
        for name, group in summary["groups"].items()
    ]
    title = f"table 1: {series.name}, {series.store.name}, seeds {', '.join(map(str, seeds))}, tta {series.tta}"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU", "the paper"), rows)
    if series.store.name == "sift-flow":
        console.result(published.CONTRADICTION)
    show_differences(summary["differences"])


def _figure4(series: Series, member: Member) -> Path:
    """Input, truth, difficult pixels, coarse and final answer of images spread over the range of accuracy."""
    from casnet_cli import figures
    from casnet_cli.data.pipeline import whole_images

    picture = series.folder / "figure4.jpg"
    out, (counted,) = series.evaluation(member), series.tallies([member])
    assert out is not None
    if picture.exists() and picture.stat().st_mtime_ns > (out / "metrics.json").stat().st_mtime_ns:
        return picture
    engine.start()
    from casnet_cli.model.answers import answering
    from casnet_cli.training.checkpoint import load_model

    accuracy = counted.counts["fused"].figures().pixel_accuracy
    order = [index for index in np.argsort(accuracy) if not np.isnan(accuracy[index])]
    spread = [order[round(share * (len(order) - 1))] for share in np.linspace(0.8, 0.2, min(EXAMPLES, len(order)))]
    run = find(series.folder / member.name)
    _, part = subset(run, series.store, series.split(member), member.fold)
    part = replace(part, positions=tuple(part.positions[index] for index in spread))
    answer = answering(load_model(run.file)[0], series.recipe.evaluation.scale)
    strips = [
        figures.strip(sample.image, sample.label, answer(sample.image), series.store.labels)
        for sample in whole_images(part)
    ]
    figures.stack(strips).save(picture, quality=92, subsampling=0)
    return picture
