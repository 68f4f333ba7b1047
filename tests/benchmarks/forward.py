"""What a forward pass costs, saving by saving, timed in turn; and the memory a pixel takes.

    python tests/benchmarks/forward.py --recipe sift-flow --size 256x256
    python tests/benchmarks/forward.py --recipe sift-flow-lite --size 1025x1025 --memory

Random weights. `direct`: the pyramid's levels are enlarged, joined with the map and convolved as in the paper.
`trained`: the network as it is trained, levels convolved on their bins, three softmaxes of every pixel. `folded`: batch
norms folded, heads joined, nothing normalized that no output needs. `winograd`: large convolutions by fewer products.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from casnet_cli import backend
from casnet_cli import recipe as recipes
from casnet_cli.commands.bench import size_of
from casnet_cli.util import memory

CLASSES = 33


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="sift-flow")
    parser.add_argument("--size", default="256x256")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", action="store_true", help="only the memory of a forward pass")
    options = parser.parse_args()
    size = size_of(options.size)
    backend.start()
    from casnet_cli.inference import folding
    from casnet_cli.inference.inference_model import InferenceModel
    from casnet_cli.inference.keras_predictor import KerasPredictor
    from casnet_cli.inference.outputs import prediction_outputs
    from casnet_cli.inference.predictor import InferenceSettings
    from casnet_cli.model.casnet import build_casnet

    section = recipes.load(recipes.find(options.recipe), ["model.weights='none'"]).model
    model = build_casnet(section, CLASSES)
    if options.memory:
        growth(InferenceModel(model), size)
        return
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    winograd, least = KerasPredictor(model, InferenceSettings(), prediction_outputs(1.5)), folding.LEAST_CHANNELS
    folding.LEAST_CHANNELS = 1 << 30  # type: ignore[misc]
    folded = KerasPredictor(model, InferenceSettings(), prediction_outputs(1.5))
    folding.LEAST_CHANNELS = least
    model.jit_compile = False
    straight = direct(model)
    calls: dict[str, Callable[[], Any]] = {
        "direct": lambda: straight.predict_on_batch(image[None].astype(np.float32)),
        "trained": lambda: model.predict_on_batch(image[None].astype(np.float32)),
        "folded": lambda: folded.predict(image),
        "winograd": lambda: winograd.predict(image),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(options.rounds + 2):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name] += [time.perf_counter() - began] if turn > 1 else []
    for name, own in times.items():
        ratio = statistics.median(mine / first for mine, first in zip(own, times["direct"], strict=True))
        print(f"{name:9} {1000 * statistics.median(own):7.1f} ms  {ratio:.3f} of direct")


def direct(model: Any) -> Any:
    """The same network, its fine branch convolved over levels as large as the map."""
    import keras
    from keras import ops

    from casnet_cli.model.pyramid import PyramidConvolution
    from casnet_cli.model.resize import aligned_step, along_axes, hat

    class Plain(PyramidConvolution):
        def call(self, inputs: Any) -> Any:
            x, *levels = inputs
            sides = ops.shape(x)[1:3]
            enlarged = [
                along_axes(
                    y,
                    *(
                        hat(n, c, aligned_step(c, n, x.dtype), x.dtype)
                        for n, c in zip(sides, ops.shape(y)[1:3], strict=True)
                    ),
                )
                for y in levels
            ]
            joined = ops.concatenate([x, *enlarged], axis=-1)
            return ops.conv(joined, self.kernel, padding="same", data_format="channels_last")

    def plain(layer: Any) -> Any:
        kind = Plain if isinstance(layer, PyramidConvolution) else type(layer)
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=plain)
    copy.set_weights(model.get_weights())
    image = np.random.default_rng(0).uniform(0, 255, (1, 65, 81, 3)).astype(np.float32)
    difference = np.abs(np.exp(copy(image)["fused"]) - np.exp(model(image)["fused"])).max()
    assert difference < 1e-4, f"the fused probabilities differ by {difference}"
    copy.jit_compile = False
    return copy


def growth(deployed: Any, size: tuple[int, int]) -> None:
    for side in (65, 129):
        deployed.cells(np.zeros((1, side, side, 3), np.float32))
    before, started = memory.memory_now(), memory.memory_peak()
    deployed.cells(np.zeros((1, *size, 3), np.float32))
    peak = memory.memory_peak()
    each = f"{(peak - before) / (size[0] * size[1]):.0f}" if peak > started else "less than was needed to start"
    print(
        f"{before >> 20} MiB before, {peak >> 20} at most; bytes a pixel: {each} (expected {deployed.bytes_per_pixel})"
    )


if __name__ == "__main__":
    main()
