"""Whether the paper's recipes learn: the losses of their first twenty steps on the real data.

    python tests/experiments/first_steps.py OUT.json data/sift-flow.h5 data/stanford-background.h5

Takes Keras's ImageNet weights of ResNet-50 if they are on disk, else random ones; thirty minutes on a slow core.
"""

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from casnet_cli import paths
from casnet_cli.data.store import Store
from casnet_cli.workflows.recipe_choice import choose
from casnet_cli.workflows.train.plan import RunPlan, Start
from casnet_cli.workflows.train.setup import set_up_training

STEPS, ENDS = 20, 5


def first_steps(data: Path) -> dict[str, Any]:
    """The losses of each step, and the means of the first and the last five."""
    store = Store(data)
    on_disk = list(paths.keras_weights_folder().glob("resnet50_*_notop.h5"))
    weights = [] if on_disk else ["model.weights=none"]
    choice = choose(store.name, data, weights)
    setup = set_up_training(RunPlan.of(choice, store, None), Start())
    batches = islice(setup.batches(), STEPS)
    rate = choice.recipe.optimizer.learning_rate
    losses = [setup.state.step(batch.image, batch.label, rate).losses["loss"] for batch in batches]
    ends = {"first_five": float(np.mean(losses[:ENDS])), "last_five": float(np.mean(losses[-ENDS:]))}
    return {"recipe": choice.name, "set": weights, "data_sha256": store.content_sha256, "losses": losses, **ends}


def main() -> None:
    rows = []
    for name in sys.argv[2:]:
        rows.append(first_steps(Path(name)))
        first, last = rows[-1]["first_five"], rows[-1]["last_five"]
        print(name, " ".join(f"{loss:.3f}" for loss in rows[-1]["losses"]))
        result = "falls" if last < first else "DOES NOT FALL"
        print(f"mean of the first five {first:.3f}, of the last five {last:.3f}: {result}")
    Path(sys.argv[1]).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
