"""What all figures of an evaluation cost beside the bare forward passes: interleaved, medians, ms an image.

python tests/benchmarks/evaluation.py RUN [IMAGES]      # default 48 images of the run's test or val images
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from casnet_cli import backend
from casnet_cli.evaluation.measurement import evaluation_key
from casnet_cli.runs import trained

ROUNDS = 3


def main() -> None:
    found = trained.find_run(Path(sys.argv[1]))
    store = trained.open_run_data(found, None)
    wanted = evaluation_key(found, store)
    part = wanted.images.at(range(min(int(sys.argv[2]) if len(sys.argv) > 2 else 48, len(wanted.images))))
    backend.start()
    from casnet_cli.model.averaging import averaged

    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
    from casnet_cli.evaluation.evaluator import asked_by_size, evaluate
    from casnet_cli.inference.predictor import InferenceSettings, measuring
    from casnet_cli.runs.checkpoint import load_model

    model, meta = load_model(found.file)
    bare = averaged(model, "none", wanted.scale)
    bare.jit_compile = False
    ask = measuring(model, InferenceSettings(scale=wanted.scale), 1.5)
    images = [sample.image[None].astype(np.float32) for sample in whole_images(part)]

    def forward() -> None:
        for image in images:
            bare.predict_on_batch(image)

    def whole() -> None:
        detailed = DetailedMetrics(store.labels, 1.5, meta.recipe.model.variant == "attention")
        evaluate(asked_by_size(ask, whole_images(part), wanted.scale), store.labels, detailed)

    times: dict[Callable[[], None], list[float]] = {forward: [], whole: []}
    for turn in range(ROUNDS + 1):
        for work, own in times.items():
            began = time.perf_counter()
            work()
            own += [time.perf_counter() - began] if turn else []  # the first compiles
    ours, theirs = (1000 * statistics.median(times[work]) / len(images) for work in (whole, forward))
    print(
        f"{len(images)} images of {store.name}: forward {theirs:.1f} ms, evaluation {ours:.1f} ms, {ours / theirs:.2f}"
    )


if __name__ == "__main__":
    main()
