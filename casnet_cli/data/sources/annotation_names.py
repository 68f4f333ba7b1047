"""What `--annotations` names: files, and the splits of their pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from casnet_cli.data.layouts.names import TOPS, words
from casnet_cli.errors import InputError
from casnet_cli.util.shell import typed
from casnet_cli.util.text import count


@dataclass(frozen=True)
class AnnotationFile:
    """An annotation file, and the split of its pictures."""

    file: Path
    """The file."""
    split: str | None = None
    """train, val or test; None: the pictures are divided in another way."""
    stated: bool = False
    """Whether the option names the split; else it is that of the folder or the name."""


def annotation_files(given: Sequence[str]) -> tuple[AnnotationFile, ...]:
    """What `--annotations` names: `FILE`, or `train=FILE`, `val=FILE`, `test=FILE`.

    Several files without a split belong to those that their folders or names name, such as `valid/a.json`. Raises
    InputError if some name a split and others do not.
    """
    found = []
    for text in given:
        split, equals, file = text.partition("=")
        marked = bool(equals) and split.lower() in TOPS and not Path(text).exists()
        found.append(AnnotationFile(Path(file), TOPS[split.lower()], True) if marked else AnnotationFile(Path(text)))
    if len(found) > 1 and not any(one.split for one in found):
        found = [replace(one, split=_split_of(one.file)) for one in found]
    if len({one.split is None for one in found}) > 1:
        if not any(one.stated for one in found):
            names = ", ".join(one.file.name for one in found)
            hint = "give one folder, or --annotations train=… --annotations val=…"
            what = f"{count(len(found), 'file')} of annotations ({names})"
            raise InputError(f"{what}, and not every name says its split ({hint})")
        lacking = next(one.file for one in found if one.split is None)
        how = f"--annotations {typed(f'train={lacking}')}, or val= or test= before it"
        raise InputError(f"--annotations {lacking}: of which split? ({how})")
    return tuple(found)


def _split_of(file: Path) -> str | None:
    named_by = [file.parent.name.lower(), *words(file.stem)]
    return next((TOPS[word] for word in named_by if word in TOPS), None)
