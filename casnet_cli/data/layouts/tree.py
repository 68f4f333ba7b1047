"""The files below a folder, listed once, by what they may be."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from casnet_cli.data.layouts.affixes import folded
from casnet_cli.data.layouts.lists import LIST_ENDINGS
from casnet_cli.data.layouts.names import TOPS, remainder, role
from casnet_cli.data.layouts.pairing import Listed
from casnet_cli.data.pixels.formats import readable_endings
from casnet_cli.data.pixels.left_out import LeftOut
from casnet_cli.errors import DataError

YAML_ENDINGS = (".yaml", ".yml")
OUTPUTS = {"run.json", "manifest.jsonl"}
"""Files of casnet's own folders, of runs and predictions, which are passed by."""


@dataclass(frozen=True)
class Tree:
    """The files below a folder; hidden ones are left out."""

    root: Path
    """The folder."""
    pictures: list[Path] = field(default_factory=list)
    """Files that casnet reads as pictures."""
    json: list[Path] = field(default_factory=list)
    """JSON files."""
    lists: list[Path] = field(default_factory=list)
    """Text and CSV files that may be lists."""
    yaml: list[Path] = field(default_factory=list)
    """YAML files."""
    others: list[Path] = field(default_factory=list)
    """All other files."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """Pictures that casnet does not read."""

    @classmethod
    def of(cls, root: Path, left_out: LeftOut | None = None) -> "Tree":
        """List a folder. left_out: collects what casnet does not read. Raises DataError for a name that is no UTF-8."""
        tree = cls(root) if left_out is None else cls(root, left_out=left_out)
        kinds = (
            (readable_endings(), tree.pictures),
            ((".json",), tree.json),
            (LIST_ENDINGS, tree.lists),
            (YAML_ENDINGS, tree.yaml),
        )
        for folder, folders, files in os.walk(root, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            if OUTPUTS & set(files):
                folders.clear()
                continue
            for name in sorted(files):
                file = Path(folder) / name
                if name.startswith(".") or not file.is_file():
                    continue
                _check_name(file)
                target = next((found for ends, found in kinds if name.lower().endswith(ends)), tree.others)
                target.append(file)
                if target is tree.others:
                    tree.left_out.add(file)
        return tree

    def relative(self, file: Path) -> PurePosixPath:
        """The path below the folder."""
        return PurePosixPath(file.relative_to(self.root).as_posix())

    def role(self, file: Path) -> str | None:
        """`mask` or `picture`, as the innermost folder says that says either."""
        roles = (role(part) for part in reversed(self.relative(file).parts[:-1]))
        return next((one for one in roles if one), None)

    def listed(
        self, pictures: Sequence[Path], masks: Sequence[Path] = (), told_by_role: bool = True
    ) -> tuple[list[Listed], list[Listed]]:
        """Pictures, and masks, with names that are unique among either.

        told_by_role: leave out of names what only tells pictures from masks. Raises DataError if two have one name.
        """
        parts_of = {file: self._parts(file, told_by_role) for files in (pictures, masks) for file in files}
        common = _common_folders([parts[:-1] for parts in parts_of.values()])
        found = []
        for files in (pictures, masks):
            by_name: dict[str, Listed] = {}
            for file in files:
                parts = parts_of[file]
                name, group = "/".join(parts[common:]), folded("/".join(parts[common:-1]))
                one = by_name.setdefault(name, Listed(name, file, group, folded(parts[-1])))
                if one.file != file:
                    raise DataError(f"{file}: has the same name as {one.file} (one file a sample)")
            found.append(list(by_name.values()))
        return found[0], found[1]

    def _parts(self, file: Path, told_by_role: bool) -> list[str]:
        relative = self.relative(file)
        folders = [(remainder(part) if told_by_role and role(part) else part) for part in relative.parts[:-1]]
        return [*filter(None, folders), relative.stem]

    def group(self, file: Path) -> str:
        """Folded: the sub-folders of a file without what only tells pictures from masks."""
        return folded("/".join(self._parts(file, True)[:-1]))

    def folders(self, files: Sequence[Path], most: int = 3) -> str:
        """The folders of files, in words: `train/masks/ and val/masks/`."""
        found = list(dict.fromkeys(f"{self.relative(file).parent}/" for file in files))
        shown = ["the folder itself" if one == "./" else one for one in found]
        if len(shown) > most:
            return f"{', '.join(shown[:most])} and {len(shown) - most} more"
        return " and ".join(shown)


def _common_folders(folders: Sequence[Sequence[str]]) -> int:
    """Number of leading folders that all have and that name no split."""
    if not folders:
        return 0
    number = 0
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1 or parts[0].lower() in TOPS:
            break
        number += 1
    return number


def _check_name(file: Path) -> None:
    try:
        str(file).encode()
    except UnicodeEncodeError:
        raise DataError(f"{file}: its name is no UTF-8 (rename it)") from None
