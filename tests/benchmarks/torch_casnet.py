"""For comparison: CasNet on ResNet-50 at output stride 8 in PyTorch, eager, channels last. Prints one line of JSON.

    python torch_casnet.py train --batch 4 --size 233x233
    python torch_casnet.py forward --size 233x233

Does the work of recipe `stanford-background` and is written as a PyTorch user would write it: PyTorch's own layers,
losses and SGD. Needs torch and NumPy; imports nothing of casnet.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

MEAN_BGR = (103.939, 116.779, 123.68)
VOID = 255
WARM = 2


class Unit(nn.Sequential):
    """Convolution, batch norm and, unless `linear`, ReLU; the map keeps its size but for the stride."""

    def __init__(self, entering: int, leaving: int, kernel: int = 1, *, stride=1, rate=1, bias=True, linear=False):
        conv = nn.Conv2d(entering, leaving, kernel, stride, rate * (kernel // 2), rate, bias=bias)
        super().__init__(conv, nn.BatchNorm2d(leaving), *([] if linear else [nn.ReLU(inplace=True)]))


class Residual(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut, which is a projection in the first block of a stage."""

    def __init__(self, entering: int, inside: int, stride: int, rate: int):
        super().__init__()
        leaving = 4 * inside
        self.path = nn.Sequential(
            Unit(entering, inside, stride=stride),  # Caffe strides here, not in the 3x3
            Unit(inside, inside, 3, rate=rate),
            Unit(inside, leaving, linear=True),
        )
        self.shortcut = Unit(entering, leaving, stride=stride, linear=True) if entering != leaving else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.path(x) + self.shortcut(x), inplace=True)


def resnet50() -> nn.Sequential:
    """(B, 3, H, W) → (B, 2048, ⌈H / 8⌉, ⌈W / 8⌉)."""
    blocks: list[nn.Module] = [Unit(3, 64, 7, stride=2), nn.MaxPool2d(3, 2, 1)]
    entering = 64
    for inside, count, stride, rate in ((64, 3, 1, 1), (128, 4, 2, 1), (256, 6, 1, 2), (512, 3, 1, 4)):
        for index in range(count):
            blocks.append(Residual(entering, inside, stride if index == 0 else 1, rate))
            entering = 4 * inside
    return nn.Sequential(*blocks)


class Head(nn.Sequential):
    """3x3 convolution to 512 channels, dropout, and a logit a class."""

    def __init__(self, entering: int, classes: int):
        super().__init__(Unit(entering, 512, 3, bias=False), nn.Dropout(0.1), nn.Conv2d(512, classes, 1))


class PyramidHead(nn.Module):
    def __init__(self, entering: int, classes: int, bins: tuple[int, ...] = (1, 2, 3, 6)):
        super().__init__()
        self.bins = bins
        self.levels = nn.ModuleList([Unit(entering, entering // len(bins), bias=False) for _ in bins])
        self.head = Head(2 * entering, classes)

    def forward(self, x: Tensor) -> Tensor:
        pooled = [level(functional.adaptive_avg_pool2d(x, n)) for n, level in zip(self.bins, self.levels, strict=True)]
        return self.head(torch.cat([x, *(resized(level, x.shape[2:]) for level in pooled)], dim=1))


def resized(x: Tensor, size: torch.Size) -> Tensor:
    return functional.interpolate(x, size, mode="bilinear", align_corners=True)


class CasNet(nn.Module):
    """RGB (B, H, W, 3) uint8 → log-probabilities (B, ·, H, W) of coarse, attention (index 1 = easy), fine and fused."""

    def __init__(self, classes: int):
        super().__init__()
        self.backbone = resnet50()
        self.branches = nn.ModuleDict(
            {"coarse": Head(2048, classes), "attention": Head(2048, 2), "fine": PyramidHead(2048, classes)}
        )
        self.register_buffer("mean", torch.tensor(MEAN_BGR))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        x = (image.flip(-1).float() - self.mean).permute(0, 3, 1, 2)  # already channels last in memory
        features = self.backbone(x)
        outputs = {}
        for name, branch in self.branches.items():
            outputs[name] = functional.log_softmax(resized(branch(features), x.shape[2:]), dim=1)
        hard, easy = outputs["attention"].split(1, dim=1)
        outputs["fused"] = torch.logaddexp(easy + outputs["coarse"], hard + outputs["fine"])
        return outputs


def loss_of(outputs: dict[str, Tensor], label: Tensor) -> Tensor:
    """Sum of the three losses, each the mean over the labelled pixels."""
    easy = (outputs["coarse"].detach().argmax(1) == label).long().masked_fill(label == VOID, VOID)
    targets = {"coarse": label, "attention": easy, "fused": label}
    losses = [functional.nll_loss(outputs[name], target, ignore_index=VOID) for name, target in targets.items()]
    return torch.stack(losses).sum()


def training_step(net: CasNet, image: Tensor, label: Tensor) -> Callable[[], object]:
    kernels = [weight for weight in net.parameters() if weight.ndim == 4]
    others = [weight for weight in net.parameters() if weight.ndim != 4]
    groups = [{"params": kernels, "weight_decay": 1e-4}, {"params": others}]
    optimizer = torch.optim.SGD(groups, lr=1e-4, momentum=0.9)

    def step() -> object:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(net(image), label.long())
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def forward_pass(net: CasNet, image: Tensor) -> Callable[[], object]:
    """All outputs of a prediction: mask, confidence, difficulty, and the classes of both branches."""

    @torch.inference_mode()
    def predict() -> object:
        outputs = net(image)
        confidence, mask = outputs["fused"].max(1)
        branches = [outputs[name].argmax(1) for name in ("coarse", "fine")]
        found = (mask, confidence.exp(), outputs["attention"][:, 0].exp(), *branches)
        return [values.cpu().numpy() for values in found]

    return predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "forward"))
    parser.add_argument("--size", default="233x233", metavar="HxW")
    parser.add_argument("--batch", type=int, help="default 4 to train, 1 for a forward pass")
    parser.add_argument("--classes", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--fixed-statistics", action="store_true", help="the backbone's batch norms use stored ones")
    options = parser.parse_args()
    height, width = map(int, options.size.split("x"))
    shape = (options.batch or (4 if options.what == "train" else 1), height, width)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    image = torch.from_numpy(rng.integers(0, 256, (*shape, 3), np.uint8)).to(device)
    label = torch.from_numpy(rng.integers(0, options.classes, shape, np.uint8)).to(device)
    net = CasNet(options.classes).to(device, memory_format=torch.channels_last)
    net.train(options.what == "train")
    if options.fixed_statistics:
        net.backbone.eval()
    call = training_step(net, image, label) if options.what == "train" else forward_pass(net, image)
    seconds = []
    for _ in range(WARM + options.repeats):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    timed = seconds[WARM:]
    print(json.dumps({"what": options.what, "shape": shape, "median": statistics.median(timed), "seconds": timed}))


if __name__ == "__main__":
    main()
