"""What the benchmarks of many trainings have in common: casnet's own commands, and where they put what they make."""

import argparse
import subprocess
import sys
from pathlib import Path


def casnet(*words: object) -> None:
    """Raises CalledProcessError where the command does not exit with 0."""
    subprocess.run([sys.executable, "-m", "casnet_cli", *map(str, words)], check=True)


def arguments(about: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--recipe", default="stanford-background-lite")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    return parser
