"""What all metrics of an evaluation cost beside prediction alone: interleaved, medians, ms an image.

python tests/benchmarks/evaluation.py RUN [IMAGES]      # default 48 images of the run's test or val images
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from casnet_cli import backend
from casnet_cli.evaluation.measurement import evaluation_key
from casnet_cli.runs import trained

ROUNDS = 3


def main() -> None:
    found = trained.find_run(Path(sys.argv[1]))
    store = trained.open_run_data(found, None)
    key = evaluation_key(found, store)
    part = key.images.at(range(min(int(sys.argv[2]) if len(sys.argv) > 2 else 48, len(key.images))))
    backend.start()
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.detailed_metrics import DetailedMetrics
    from casnet_cli.evaluation.evaluator import evaluate, predict_samples
    from casnet_cli.inference.loading import open_predictor
    from casnet_cli.inference.outputs import MASK, evaluation_outputs

    labels = open_predictor(found, MASK)
    scores = labels.with_outputs(key.scale, evaluation_outputs(1.5))
    images = list(whole_images(part))

    def forward() -> None:
        for _ in predict_samples(labels, images):
            pass

    def whole() -> None:
        detailed = DetailedMetrics(store.labels, 1.5, found.meta.recipe.model.variant == "attention")
        evaluate(predict_samples(scores, images), store.labels, detailed).metrics()

    times: dict[Callable[[], None], list[float]] = {forward: [], whole: []}
    for turn in range(ROUNDS + 1):
        for work, own in times.items():
            began = time.perf_counter()
            work()
            own += [time.perf_counter() - began] if turn else []  # the first compiles
    ours, theirs = (1000 * statistics.median(times[work]) / len(images) for work in (whole, forward))
    cost = f"prediction {theirs:.1f} ms, evaluation {ours:.1f} ms, {ours / theirs:.2f}"
    print(f"{len(images)} images of {store.name}: {cost}")


if __name__ == "__main__":
    main()
