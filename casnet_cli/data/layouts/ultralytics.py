"""Ultralytics' layout of semantic masks, with its YAML file."""

from pathlib import Path, PurePosixPath

from casnet_cli.data.annotations.class_lists import yaml_names
from casnet_cli.data.layouts.class_ids import table_of
from casnet_cli.data.layouts.layout import Layout
from casnet_cli.data.layouts.lists import plain, read_lines
from casnet_cli.data.layouts.pairing import FilePair
from casnet_cli.data.layouts.tree import Tree
from casnet_cli.data.sources.base import missing_partner, read_bytes
from casnet_cli.errors import DataError
from casnet_cli.labels import VOID


def ultralytics(tree: Tree) -> Layout | None:
    """A YAML with `train`, `names` and perhaps `path`, `val`, `test`, `masks_dir`, and masks in place of `images`."""
    for file in tree.yaml:
        content = _yaml(file)
        if isinstance(content, dict) and "names" in content and "train" in content:
            return _ultralytics(tree, file, content)
    return None


def _yaml(file: Path) -> object:
    import yaml  # type: ignore[import-untyped]

    try:
        return yaml.safe_load(read_bytes(file))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _ultralytics(tree: Tree, file: Path, content: dict[str, object]) -> Layout | None:
    try:
        names = yaml_names(content["names"])
    except ValueError as error:
        raise DataError(f"{file}: names are {error} (expected names: {{0: road}})") from None
    masks_dir = str(content.get("masks_dir") or "masks")
    pairs, used = [], set()
    for split in ("train", "val", "test"):
        for image in _images_of(tree, file, content, split):
            label = _mask_of(image, tree, masks_dir)
            fault = None if label else missing_partner(image, None, tree.root / masks_dir)
            pairs.append(FilePair(f"{split}/{image.stem}", image, label, fault))
            used.add(label)
    if not any(one.label for one in pairs):
        return None
    spare = [one for one in tree.pictures if masks_dir in tree.relative(one).parts and one not in used]
    table = table_of(names, [VOID], file)
    evidence = f"{tree.relative(file)} with {len(table.labels)} classes, {len(pairs)} pictures"
    return Layout("Ultralytics' layout", evidence, tuple(pairs), tuple(spare), tree.root / masks_dir, table)


def _images_of(tree: Tree, file: Path, content: dict[str, object], split: str) -> list[Path]:
    """The pictures of a split: of folders or lists, one or several. Raises DataError for one that is not there."""
    given = content.get(split)
    found: list[Path] = []
    for text in given if isinstance(given, list) else [given] if given else []:
        place = plain(str(text)).strip("/")
        bases = (file.parent, tree.root, file.parent / PurePosixPath(plain(str(content.get("path") or "."))).name)
        target = next((base / place for base in bases if (base / place).exists()), None)
        if target is None:
            raise DataError(f"{file}: {split}: {text} is not there (a folder or list below {tree.root})")
        if target.is_dir():
            found += [one for one in tree.pictures if target in one.parents]
        else:
            found += [(target.parent / plain(line)) for _, line in read_lines(target)]
    return found


def _mask_of(image: Path, tree: Tree, masks_dir: str) -> Path | None:
    """The mask in the folder that stands in place of the last one called `images`."""
    parts = list(image.relative_to(tree.root).parts)
    places = [index for index, part in enumerate(parts[:-1]) if part == "images"]
    if not places:
        return None
    parts[places[-1]] = masks_dir
    label = tree.root.joinpath(*parts).with_suffix(".png")
    return label if label.is_file() else None
