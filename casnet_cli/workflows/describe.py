"""What `casnet info` does: show what a file holds, or what this installation has."""

from pathlib import Path
from typing import TYPE_CHECKING

from casnet_cli import console, paths

if TYPE_CHECKING:
    from casnet_cli.recipe import ModelSection
    from casnet_cli.runs.trained import TrainedRun


def show(what: str | None, json: str | None) -> None:
    """Show the facts about a file. json: a file for them, `-` is stdout. Raises CasnetError."""
    console.check_json(json)
    facts = describe(what)
    if json:
        console.write_json(facts, json)
    if json != "-":
        for name, value in facts.items():
            console.result(f"{name}: {_text(value)}")


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {number:,}" for key, number in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def describe(what: str | None) -> dict[str, object]:
    """Facts about a run, data set, recipe, checkpoint, export or picture, by name; None: about this installation.

    Raises CasnetError, of the class that reading such a file raises.
    """
    from casnet_cli import recipe
    from casnet_cli.errors import InputError
    from casnet_cli.export.formats import engine_of, engines

    if what is None:
        return _installation()
    path = Path(what)
    if models := [path / each.file for each in engines().values() if (path / each.file).is_file()]:
        path = models[0]
    if engine_of(path):
        return _exported(path)
    if path.is_dir():
        return _run(path)
    if path.suffix == ".h5":
        return _prepared_or_checkpoint(paths.existing_data(path))
    if _is_picture(path):
        from casnet_cli.data.pixels import facts

        return facts.facts_of(path)
    if not path.is_file() and what not in recipe.names():
        raise InputError(f"{what}: no such file, run or recipe (recipes: {', '.join(recipe.names())})")
    from casnet_cli.workflows.recipe_choice import class_count

    resolved = recipe.load(recipe.find(what))
    settings = {f"{s}.{k}": v for s, values in resolved.model_dump().items() for k, v in values.items()}
    classes, whose = class_count(resolved.data.name)
    crop = resolved.augmentation.crop
    return {"recipe": what, **settings, "classes": f"{classes} ({whose})", **_network(resolved.model, classes, crop)}


def _is_picture(path: Path) -> bool:
    """Whether a file is a picture, by its ending, or without a known one by its content."""
    from casnet_cli.data.pixels.formats import HEAD, PICTURE_ENDINGS, format_of
    from casnet_cli.data.pixels.left_out import OTHER_PICTURES

    if not path.is_file() or path.suffix.lower() == ".toml":
        return False
    if path.suffix.lower() in (*PICTURE_ENDINGS, *OTHER_PICTURES):
        return True
    with path.open("rb") as file:
        return format_of(file.read(HEAD)) is not None


def _network(section: "ModelSection", classes: int, crop: int) -> dict[str, object]:
    """Parameters and billions of multiply-adds for one training crop, of the backbone and of each branch."""
    from casnet_cli import backend

    backend.start()
    from casnet_cli.model.casnet import build_casnet
    from casnet_cli.model.flops import multiply_adds, parameters

    model = build_casnet(section, classes, pretrained=False)
    giga = {part: float(f"{count / 1e9:.4g}") for part, count in multiply_adds(model, crop, crop).items()}
    return {"parameters": parameters(model), f"gmac at {crop}x{crop}": giga}


def _installation() -> dict[str, object]:
    import platform

    from casnet_cli import __version__, backend
    from casnet_cli.runs import folder

    weights = paths.keras_weights_folder()
    return {
        "casnet": __version__,
        "python": platform.python_version(),
        **folder.installed_versions(),
        "back end": backend.start().backend.backend(),
        "devices": backend.devices(),
        "keras weights": str(weights),
        "on disk": sorted(file.name for file in weights.glob("*.h5")) or ["none"],
        "to fetch beforehand": f"resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5 from Keras's site into {weights}",
        "recipes": str(paths.recipes_folder()),
    }


def _prepared_or_checkpoint(path: Path) -> dict[str, object]:
    from casnet_cli.runs import trained
    from casnet_cli.runs.checkpoint import FORMAT

    return _checkpoint(trained.find_run(path)) if _format_of(path) == FORMAT else _data(path)


def _format_of(path: Path) -> str | None:
    from casnet_cli.util.hdf5 import open_outside, plain_attribute

    try:
        with open_outside(path, arrays=False) as file:
            return str(plain_attribute(file.attrs, "format"))
    except OSError:
        return None


def _run(folder: Path) -> dict[str, object]:
    """Facts about its best checkpoint, or before the first validation its last one; writes curves.png."""
    from casnet_cli.runs import trained
    from casnet_cli.runs.folder import RunFolder

    files = RunFolder(folder)
    only_last = files.last.is_file() and not files.best.is_file()
    run = trained.find_run(files.last if only_last else folder)
    return _checkpoint(run) | _curves(folder, run.meta.recipe.evaluation.best)


def _curves(folder: Path, chosen_by: str) -> dict[str, object]:
    """Where the picture of the run's history is, or why it could not be written; nothing before the first epoch."""
    from casnet_cli.errors import reason
    from casnet_cli.reports import curves
    from casnet_cli.runs import history
    from casnet_cli.util.files import write_whole

    rows = history.read_history(folder / "history.csv")
    if not rows:
        return {}
    target = folder / "curves.png"
    try:
        write_whole(target, curves.draw(rows, folder.resolve().name, chosen_by))
    except OSError as error:
        return {"curves": f"{target}: cannot be written: {reason(error)}"}
    return {"curves": str(target)}


def _checkpoint(run: "TrainedRun") -> dict[str, object]:
    from casnet_cli.data.pixels import ranges
    from casnet_cli.runs.progress import score_words

    meta = run.meta
    network, best = meta.recipe.model, meta.schedule["best"]
    return {
        "checkpoint": str(run.file),
        "network": f"{network.backbone} at stride {network.output_stride}, {network.variant}",
        "trained on": meta.data_name + (f", fold {meta.fold}" if meta.fold else ""),
        "data sha256": meta.data_sha256,
        "pictures": ranges.described(meta.intensities),
        "steps": meta.progress.step,
        "epochs": meta.progress.epochs,
        f"best validation {score_words(meta.recipe.evaluation.best)}": "none yet" if best < 0 else round(best, 4),
        "classes": list(meta.labels.names),
        **_network(network, len(meta.labels), meta.recipe.augmentation.crop),
    }


def _exported(file: Path) -> dict[str, object]:
    from casnet_cli.export.formats import engine_of
    from casnet_cli.export.runtime import open_session

    description = open_session(file)[1]
    return {
        "exported for": engine_of(file),
        "from": description["run"],
        "checkpoint sha256": description["checkpoint_sha256"],
        "precision": description["precision"],
        "image": description["inputs"]["image"],
        "sizes": "x".join(map(str, description["size"])) if description["size"] else "any",
        "outputs": list(description["outputs"]),
        "classes": description["classes"],
    }


def _data(path: Path) -> dict[str, object]:
    from casnet_cli.data.pixels import ranges
    from casnet_cli.data.store import Store

    store = Store(path)
    statistics = store.statistics()
    total = sum(statistics["class_pixels"]) + statistics["void_pixels"]
    shares = [
        f"{name} {100 * pixels / total:.2f} %"
        for name, pixels in zip(store.labels.names, statistics["class_pixels"], strict=True)
    ]
    earlier = [f"{one.content_sha256} ({one.train} train images)" for one in store.earlier]
    return {
        "data set": store.name,
        **{split: f"{len(names)} images" for split, names in store.names.items()},
        "folds": store.folds or "none",
        "source": store.source,
        "source sha256": store.source_sha256,
        "content sha256": store.content_sha256,
        **({"earlier versions": earlier} if earlier else {}),
        "pictures": ranges.described(store.intensities),
        "sizes": _sizes(statistics["sizes"], statistics["different_sizes"]),
        "mean color": [round(channel, 1) for channel in statistics["color_mean"]],
        "void": f"{100 * statistics['void_pixels'] / total:.2f} %",
        "classes": shares,
        "median-frequency weights": [round(weight, 3) for weight in statistics["median_frequency_weights"]],
    }


def _sizes(rows: list[list[int]], different: int, most: int = 4) -> list[str]:
    shown = [f"{width}x{height} ({images})" for width, height, images in rows[:most]]
    return shown + ([f"{different - most} others"] if different > most else [])
