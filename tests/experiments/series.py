"""What the experiments of many trainings share: a call of casnet, and the options."""

import argparse
import subprocess
import sys
from pathlib import Path


def casnet(*words: object) -> None:
    """Call casnet with these arguments. Raises CalledProcessError where the command does not exit with 0."""
    subprocess.run([sys.executable, "-m", "casnet_cli", *map(str, words)], check=True)


def arguments(about: str | None) -> argparse.ArgumentParser:
    """The options of every such experiment."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--recipe", default="stanford-background-lite")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    return parser
