"""casnet prepare: a raw data set becomes one checked file."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    dataset: Annotated[str, typer.Argument(help="sift-flow, stanford-background, camvid or demo.", metavar="DATASET")],
    source: Annotated[
        Path | None, typer.Option(help="Archive or folder; else looked for in data/ and here, else downloaded.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default data/DATASET.h5.")] = None,
) -> None:
    """Turn a raw data set into data/DATASET.h5, checked and counted."""
    run(dataset, source, out)


def run(dataset: str, source: Path | None, out: Path | None, data: Path | None = None) -> Path:
    """Prepare `dataset` and describe it. Returns the file."""
    from casnet_cli import console, paths
    from casnet_cli.data import preparation, sources
    from casnet_cli.data.store import Store

    with console.bar(f"{dataset}") as bar:
        prepared = preparation.prepare(
            sources.find(dataset),
            data or paths.DATA,
            out,
            source,
            lambda doing, done, total: bar.update(done, total, doing),
        )
    if prepared.unchanged:
        console.say(f"{prepared.path} is up to date with {prepared.source}")
        return prepared.path
    store = Store(prepared.path)
    counts = ", ".join(f"{len(names)} {split}" for split, names in store.names.items())
    folds = f", {store.folds} folds" if store.folds else ""
    console.say(f"prepared {prepared.path} from {prepared.source}")
    console.result(f"{store.name}: {counts}{folds}, {len(store.labels)} classes")
    return prepared.path
