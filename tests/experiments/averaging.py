"""Are averaged weights more accurate than the last ones? One training, several averages of it, on validation images.

    python tests/experiments/averaging.py --data data/stanford-background.h5 --folder averaging --set training.epochs=10

Averages: w ← d · w + (1 − d) · weights after every step, batch statistics included, for several d. All are measured at
the end on whole images at scale 1 and 1.25. averaging.json in the folder.
"""

import json
from itertools import islice
from typing import Any

import numpy as np
from series import arguments  # type: ignore[import-not-found]

from casnet_cli.data.store import Store
from casnet_cli.workflows.recipe_choice import choose
from casnet_cli.workflows.train.plan import RunPlan, Start
from casnet_cli.workflows.train.setup import TrainingSetup, set_up_training

DECAYS = (0.0, 0.9, 0.98, 0.99, 0.995)
"""0: the last weights themselves."""

SCALES = (1.0, 1.25)
KEYS = ("pixel_accuracy", "class_accuracy", "mean_iou")


def weights_of(run: TrainingSetup) -> list[Any]:
    """All that is averaged: not the random states."""
    return [weight for weight in run.state.model.weights if "float" in weight.dtype]


def averaged(run: TrainingSetup) -> dict[float, list[np.ndarray]]:
    """Train to the end of the plan; returns the averaged weights by decay."""
    weights = weights_of(run)
    sums = {decay: [weight.numpy() for weight in weights] for decay in DECAYS}
    for step, batch in enumerate(islice(run.batches(), run.plan.length.steps)):
        loss = run.state.step(batch.image, batch.label, run.schedule.rate(step)).losses["loss"]
        now = [weight.numpy() for weight in weights]
        for decay, mean in sums.items():
            for own, new in zip(mean, now, strict=True):
                own += (1 - decay) * (new - own)
        if (step + 1) % run.plan.length.steps_per_epoch == 0:
            print(f"step {step + 1} of {run.plan.length.steps}, loss {loss:.3f}", flush=True)
    return sums


def metrics_at(run: TrainingSetup, scale: float) -> dict[str, float]:
    """The metrics on the validation images."""
    from casnet_cli.data.loader import whole_images
    from casnet_cli.evaluation.evaluator import evaluate, predict_samples
    from casnet_cli.inference.outputs import BRANCHES

    predictions = predict_samples(run.predictor.with_outputs(scale, BRANCHES), whole_images(run.plan.val_part))
    metrics = evaluate(predictions, run.plan.store.labels).metrics()
    return {key: getattr(metrics, key) for key in KEYS}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--fold", type=int)
    options = parser.parse_args()
    store = Store(options.data)
    choice = choose(options.recipe, options.data, options.overrides)
    run = set_up_training(RunPlan.of(choice, store, options.fold), Start())
    rows: list[dict[str, Any]] = []
    for decay, mean in averaged(run).items():
        for weight, value in zip(weights_of(run), mean, strict=True):
            weight.assign(value)
        run.predictor.refresh()
        rows += [{"decay": decay, "scale": scale, **metrics_at(run, scale)} for scale in SCALES]
        print(*rows[-len(SCALES) :], sep="\n", flush=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    record = {"data_sha256": store.content_sha256, "set": options.overrides, "fold": options.fold, "rows": rows}
    (options.folder / "averaging.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
