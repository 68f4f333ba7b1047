"""What `casnet ablate` does: the variants of section 4.3 under one recipe and the same seeds, and table 1."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli import backend, console
from casnet_cli.errors import InputError
from casnet_cli.evaluation.measurement import EvaluationKey
from casnet_cli.util.files import write_whole
from casnet_cli.workflows.series import paper
from casnet_cli.workflows.series.series import SUMMARY, Member, Series, begin, open_series, run_members
from casnet_cli.workflows.series.summary import SHOWN, Side, cell, show_differences, summarize
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


def ablate(request: TrainOptions, seeds: str | None, tta: str) -> None:
    """Train and measure what is not yet, write summary.json and figure4.jpg, and show the table. Raises CasnetError."""
    wanted = _seeds(seeds) if seeds else []
    series = open_series("ablate", request, tta)
    before = series.options.get("seeds", [])
    chosen = sorted({*wanted, *before}) or [0]
    begun_on = series.options.get("fold") or (1 if series.store.folds else None)
    fold = begun_on if request.fold is None else request.fold
    if before and fold != series.options.get("fold"):
        raise InputError(
            f"--fold {fold}: {series.folder} was begun on fold {series.options.get('fold')} (leave it out)"
        )
    series.options.update(seeds=chosen, fold=fold)
    groups = {
        letter: [
            Member(f"{letter}-seed-{seed}", (f'model.variant="{variant}"', f"training.seed={seed}"), fold)
            for seed in chosen
        ]
        for letter, variant in VARIANTS.items()
    }
    by_seed = [member for members in zip(*groups.values(), strict=True) for member in members]
    series = begin(series, by_seed)
    summary = _summarize(series, groups)
    for _ in run_members(series, by_seed, request):
        summary = _summarize(series, groups)
    show(series, summary, chosen)
    pictured = next((found for member in groups["c"] if (found := series.measured(member))), None)
    drawn = f", {draw_figure4(series, pictured).name}" if pictured else ""
    console.result(f"{series.folder}: {SUMMARY}{drawn}")


def _summarize(series: Series, groups: dict[str, list[Member]]) -> dict[str, Any]:
    summary = summarize(series, groups, [*(Side(letter) for letter in groups), *INSIDE], PAIRS)
    series.write(summary)
    return summary


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
    published = paper.ABLATION.get(series.store.name, {})
    rows = [
        (
            TITLES.get(name, name),
            *(cell(group, key) for key in SHOWN),
            str(published[name]) if name in published else "–",
        )
        for name, group in summary["groups"].items()
    ]
    title = f"table 1: {series.name}, {series.store.name}, seeds {', '.join(map(str, seeds))}, tta {series.tta}"
    console.table(title, ("% of", "pixels right", "class mean", "mean IoU", "the paper"), rows)
    if series.store.name == "sift-flow":
        console.result(paper.CONTRADICTION)
    show_differences(summary["differences"])


def draw_figure4(series: Series, measured: EvaluationKey) -> Path:
    """Input, truth, difficult pixels, coarse and final answer of images spread over the range of accuracy."""
    assert series.folder is not None and measured.run.folder is not None
    picture = series.folder / "figure4.jpg"
    if picture.exists() and picture.stat().st_mtime_ns > measured.run.file.stat().st_mtime_ns:
        return picture
    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.pixel_outputs import branch_outputs
    from casnet_cli.inference.predictor import InferenceSettings
    from casnet_cli.reports import panels

    counted = measured.per_image()
    assert counted is not None
    accuracy = counted.counts["fused"].metrics().pixel_accuracy
    order = [index for index in np.argsort(accuracy) if not np.isnan(accuracy[index])]
    spread = dict.fromkeys(order[round(share * (len(order) - 1))] for share in np.linspace(0.8, 0.2, EXAMPLES) if order)
    part = measured.images.at(list(spread))
    predictor = open_predictor(measured.run, branch_outputs, InferenceSettings(scale=series.recipe.evaluation.scale))
    strips = [
        panels.strip(sample.image, sample.label, predictor.predict(sample.image), series.store.labels)
        for sample in whole_images(part)
    ]
    if strips:
        buffer = io.BytesIO()
        panels.stack(strips).save(buffer, "JPEG", quality=92, subsampling=0)
        write_whole(picture, buffer.getvalue())
    return picture
