"""casnet against the reference in PyTorch, in turn, so that a busy moment of the machine meets both.

    python against_torch.py /tmp/venvs/torch/bin/python --only train --rounds 5
    python against_torch.py PYTHON --script OTHER.py --torch-options 'train --net casnet --size 233 233 --batch 4'

Every round runs `casnet bench` and the script in new processes. Prints the pairs, the medians, and the median of the
ratios casnet / PyTorch of each pair: below 1 casnet is the faster one. Leave the machine alone meanwhile: where other
programs want its cores PyTorch's threads wait for each other, and a step takes several times as long.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from casnet_cli import recipe as recipes

REFERENCE = Path(__file__).with_name("torch_casnet.py")
KEYS = {"train": "train_step_seconds", "forward": "forward_seconds"}


def json_of(command: list[str]) -> Any:
    """The JSON that a program prints."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout[done.stdout.index("{") :])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", help="interpreter that has torch")
    parser.add_argument("--recipe", default="stanford-background")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--only", choices=tuple(KEYS), default="train")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5, help="timings of each process")
    parser.add_argument("--script", type=Path, default=REFERENCE, help="prints JSON with `median` in seconds")
    parser.add_argument("--torch-options", help="of the script, in place of those that do the recipe's work")
    options = parser.parse_args()
    recipe = recipes.load(recipes.find(options.recipe), options.set)
    if recipe.model.backbone != "resnet50" or recipe.model.output_stride != 8 or recipe.model.variant != "attention":
        parser.error(f"{options.recipe}: not the network of the reference, an attention CasNet on resnet50 at stride 8")
    bench = [sys.executable, "-m", "casnet_cli", "--quiet", "bench", "--recipe", options.recipe, "--only", options.only]
    bench += [word for text in options.set for word in ("--set", text)]
    bench += ["--repeats", str(options.repeats), "--json", "-"]
    work = shlex.split(options.torch_options or "") or same_work(recipe, options)
    torch = [options.python, str(options.script), *work]
    pairs = []
    for turn in range(1, options.rounds + 1):
        ours, theirs = json_of(bench)[KEYS[options.only]], json_of(torch)["median"]
        pairs.append((ours, theirs))
        print(f"{turn}: casnet {ours:.3f} s, PyTorch {theirs:.3f} s, ratio {ours / theirs:.3f}", flush=True)
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(mine / yours for mine, yours in pairs)
    print(f"medians: casnet {ours:.3f} s, PyTorch {theirs:.3f} s; of the ratios {ratio:.3f}")
    ours, theirs = (min(times) for times in zip(*pairs, strict=True))
    print(f"fastest: casnet {ours:.3f} s, PyTorch {theirs:.3f} s, ratio {ours / theirs:.3f}")


def same_work(recipe: recipes.Recipe, options: argparse.Namespace) -> list[str]:
    """The options with which the reference does the recipe's work."""
    from casnet_cli.data import sources

    side, name = recipe.augmentation.crop, recipe.data.name
    classes = len(sources.find(name).labels) if name in sources.SOURCES else 21
    batch = recipe.training.batch_size if options.only == "train" else 1
    words = f"{options.only} --size {side}x{side} --batch {batch} --classes {classes} --repeats {options.repeats}"
    return words.split() + (["--fixed-statistics"] if recipe.model.weights != "none" else [])


if __name__ == "__main__":
    main()
