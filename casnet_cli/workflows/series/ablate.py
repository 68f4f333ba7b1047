"""What `casnet ablate` does: the variants of section 4.3 under one recipe and the same seeds, and table 1."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from casnet_cli import backend, console
from casnet_cli.data.pixels.take import shown
from casnet_cli.errors import InputError
from casnet_cli.evaluation.measurement import EvaluationKey
from casnet_cli.runs.locate import SUMMARY
from casnet_cli.runs.records import SeriesMetrics
from casnet_cli.util.files import write_whole
from casnet_cli.workflows.series import paper
from casnet_cli.workflows.series.members import run_members
from casnet_cli.workflows.series.series import Member, Series, begin, open_series
from casnet_cli.workflows.series.summary import SHOWN, Side, mean_and_spread_cell, show_differences, summarize
from casnet_cli.workflows.train.session import TrainOptions

VARIANTS = {"a": "coarse", "b": "static", "c": "attention", "fine": "fine"}
"""The paper's letters, and the fine branch alone, the other reading of table 2's baseline."""

TITLES = {
    "a": "(a) coarse",
    "b": "(b) + fine, 0.5",
    "c": "(c) + attention",
    "fine": "fine alone",
    "c's coarse": "(c)'s coarse",
    "c's fine": "(c)'s fine",
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
"""Images of figure 4."""


def ablate(options: TrainOptions, seeds: str | None, tta: str) -> None:
    """Train and measure what is not yet, write summary.json and figure4.jpg, and show the table. Raises CasnetError."""
    given = _seeds(seeds) if seeds else []
    series = open_series("ablate", options, tta)
    before = series.options.seeds
    every_seed = sorted({*given, *before}) or [0]
    begun_on = series.options.fold or (1 if series.store.folds else None)
    fold = begun_on if options.fold is None else options.fold
    if before and fold != series.options.fold:
        raise InputError(f"--fold {fold}: {series.folder} was begun on fold {series.options.fold} (leave it out)")
    series = replace(series, options=series.options.model_copy(update={"seeds": every_seed, "fold": fold}))
    groups = {
        letter: [
            Member(f"{letter}-seed-{seed}", (f'model.variant="{variant}"', f"training.seed={seed}"), fold)
            for seed in every_seed
        ]
        for letter, variant in VARIANTS.items()
    }
    by_seed = [member for members in zip(*groups.values(), strict=True) for member in members]
    series = begin(series, by_seed)
    metrics = _summarize(series, groups)
    for _ in run_members(series, by_seed, options):
        metrics = _summarize(series, groups)
    show(series, metrics, every_seed)
    pictured = next((key for member in groups["c"] if (key := series.evaluated(member))), None)
    drawn = f", {draw_figure4(series, pictured).name}" if pictured else ""
    console.result(f"{series.folder}: {SUMMARY}{drawn}")


def _summarize(series: Series, groups: Mapping[str, Sequence[Member]]) -> SeriesMetrics:
    metrics = summarize(series, groups, [*(Side(letter) for letter in groups), *INSIDE], PAIRS)
    series.write(metrics)
    return metrics


def _seeds(text: str) -> list[int]:
    """Raises InputError."""
    try:
        seeds = [int(word) for word in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or max(seeds) >= 2**32 or len(set(seeds)) < len(seeds):
        raise InputError(f"--seeds {text}: not a list of different seeds (whole numbers from 0, as in 0,1,2)")
    return seeds


def show(series: Series, metrics: SeriesMetrics, seeds: Sequence[int]) -> None:
    """Table 1 with the paper's numbers beside, and the differences."""
    published = paper.ABLATION.get(series.store.name, {})
    rows = [
        (
            TITLES.get(name, name),
            *(mean_and_spread_cell(group, key) for key in SHOWN),
            str(published[name]) if name in published else "–",
        )
        for name, group in metrics.groups.items()
    ]
    title = f"table 1: {series.name}, {series.store.name}, seeds {', '.join(map(str, seeds))}, tta {series.tta}"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU", "the paper"), rows)
    if series.store.name == "sift-flow":
        console.result(paper.CONTRADICTION)
    show_differences(metrics.differences)


def draw_figure4(series: Series, key: EvaluationKey) -> Path:
    """Input, truth, difficult pixels, coarse and final output of images spread over the range of accuracy."""
    assert series.folder is not None and key.run.folder is not None
    picture = series.folder / "figure4.jpg"
    if picture.exists() and picture.stat().st_mtime_ns > key.run.file.stat().st_mtime_ns:
        return picture
    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.outputs import BRANCHES
    from casnet_cli.inference.predictor import InferenceSettings
    from casnet_cli.reports import panels

    counts = key.per_image()
    assert counts is not None
    accuracy = counts.counts["fused"].metrics().pixel_accuracy
    order = [index for index in np.argsort(accuracy) if not np.isnan(accuracy[index])]
    spread = dict.fromkeys(order[round(share * (len(order) - 1))] for share in np.linspace(0.8, 0.2, EXAMPLES) if order)
    images = key.images.at(list(spread))
    predictor = open_predictor(key.run, BRANCHES, InferenceSettings(scale=series.recipe.evaluation.scale))
    strips = [
        panels.strip(
            shown(sample.image, series.store.intensities),
            sample.label,
            predictor.predict(sample.image),
            series.store.labels,
        )
        for sample in whole_images(images)
    ]
    if strips:
        buffer = io.BytesIO()
        panels.stack(strips).save(buffer, "JPEG", quality=92, subsampling=0)
        write_whole(picture, buffer.getvalue())
    return picture
