"""What the pictures of one's own data hold, and what was decided for all of them: depth, bands, range, no data."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from casnet_cli.data.images import UNREADABLE
from casnet_cli.data.intensities import PLAIN, Intensities
from casnet_cli.data.pixels import ranges
from casnet_cli.data.pixels.options import PictureOptions
from casnet_cli.data.pixels.picture import ALPHA, COLORS, GREY, PictureInfo
from casnet_cli.data.pixels.read import info_of, read
from casnet_cli.data.pixels.take import MOST_NAMED, ON_WHITE, bands_of, depth_of, in_words, kept_dtype
from casnet_cli.data.remarks import Remarks
from casnet_cli.errors import DataError, InputError
from casnet_cli.util.ordered_map import ordered_map

SurveyProgress = Callable[[int, int], None]
"""Called with the number of pictures that are done, and of all."""


@dataclass(frozen=True)
class _Facts:
    """What is kept of a file."""

    file: Path
    """Where it lies."""
    info: PictureInfo
    """Its facts."""
    bands: tuple[str, ...]
    """As `take.bands_of` has them."""

    @property
    def colors(self) -> tuple[str, ...]:
        return tuple(band for band in self.bands if band != ALPHA)

    @property
    def kind(self) -> tuple[str, int]:
        """What all pictures of a set have in common: type and number of bands; grey of 8 bits counts as colour."""
        dtype = kept_dtype(self.info)
        return dtype, 3 if dtype == "uint8" and self.colors == (GREY,) else len(self.colors)


@dataclass
class Survey:
    """The pictures of a set, looked at by the first call of `intensities`, and the notes on them."""

    options: PictureOptions
    """How they are taken."""
    files: Sequence[Path]
    """All pictures."""
    training: Sequence[Path]
    """Those of them by which a range is measured."""
    remarks: Remarks = field(default_factory=Remarks)
    """What is done to pictures and masks while they are read."""
    _chosen: Intensities | None = None
    """What was decided; None: nothing yet."""
    _notes: list[str] = field(default_factory=list)
    """As `notes`."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while it is decided."""

    def intensities(self, on_progress: SurveyProgress = lambda done, total: None) -> Intensities:
        """What the pictures hold, and how a network sees them.

        Raises DataError if they differ in depth or bands, or have more than three bands of which none are chosen;
        InputError for options that do not fit.
        """
        with self._lock:
            if self._chosen is None:
                self._chosen = self._choose(_patient(on_progress))
            return self._chosen

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided, in sentences for the user; empty before the first call of `intensities`."""
        return tuple(self._notes)

    def _choose(self, on_progress: SurveyProgress) -> Intensities:
        total = len(self.files)
        facts: list[_Facts] = []
        for done, (file, future) in enumerate(ordered_map(_looked_at, self.files), 1):
            if info := future.result():
                facts.append(_Facts(file, info, bands_of(info)))
            on_progress(done, total)
        if not facts:  # each file is named when it is read
            return PLAIN
        first = facts[0]
        chosen, names = self._bands(facts)
        dtype = kept_dtype(first.info)
        full = ranges.of_type(dtype, max(one.info.bits for one in facts), len(names))
        found = Intensities(dtype, names, *full, self._nodata(facts), chosen)
        found = self._ranged(found, facts, on_progress)
        self._notes[:0] = _noted(facts, chosen is not None)
        return found

    def _bands(self, facts: list[_Facts]) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
        """Numbers of the bands that are chosen, if any are, and the names of those that are taken."""
        first = facts[0]
        for one in facts:
            if one.info.doubt:
                raise DataError(f"{one.file}: {one.info.doubt}")
            if kept_dtype(one.info) != kept_dtype(first.info):
                raise DataError(f"{one.file}: {_described(one)}, but {first.file}: {_described(first)} ({ONE_DEPTH})")
        if self.options.bands is not None:
            return self._chosen_bands(facts, self.options.bands)
        for one in facts:
            if one.kind != first.kind:
                hint = "one number of bands a set; --bands chooses them"
                raise DataError(f"{one.file}: {_described(one)}, but {first.file}: {_described(first)} ({hint})")
            if any(name in one.colors[:at] + one.colors[at + 1 :] for at, name in enumerate(first.colors)):
                both = f"{one.file}: {in_words(one.bands)}, but {first.file}: {in_words(first.bands)}"
                raise DataError(f"{both} (one order of bands a set; --bands with numbers takes them as they come)")
        if first.kind == ("uint8", 3):
            return None, COLORS
        if len(first.colors) > 3:
            raise DataError(_too_many(first))
        return None, first.colors

    def _chosen_bands(self, facts: list[_Facts], text: str) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
        first = facts[0]
        numbers = _numbers(text, first)
        for one in facts:
            if one.bands != first.bands and _numbers(text, one) != numbers:
                where = f"{one.file}: {in_words(one.bands)}, but {first.file}: {in_words(first.bands)}"
                raise DataError(f"{where} (--bands {text} means others there: use numbers)")
        names = tuple(first.bands[number - 1] for number in numbers)
        if names == COLORS and all(one.bands == COLORS for one in facts):
            return None, names
        return numbers, names

    def _nodata(self, facts: list[_Facts]) -> float | None:
        """The value that means that nothing was measured, in all pictures."""
        own = self.options.nodata
        if own is not None:
            return None if math.isnan(own) else _as_kept(own, facts[0])
        tagged = [(one, one.info.nodata) for one in facts if one.info.nodata is not None]
        if not tagged:
            return None
        first, value = tagged[0]
        for other, differing in tagged:
            if differing != value:
                both = f"{first.file}: {value:g} means no data there, but {other.file}: {differing:g}"
                raise DataError(f"{both} (--nodata V names one value for all, --nodata nan none)")
        of = f"{len(tagged)} of {len(facts)} pictures"
        self._notes.append(f"{value:g} means no data (the tag of {of}): void in labels")
        return _as_kept(value, first)

    def _ranged(self, found: Intensities, facts: list[_Facts], on_progress: SurveyProgress) -> Intensities:
        """The intensities with the range of the options."""
        text, bits = self.options.range, max(one.info.bits for one in facts)
        if text is None:
            text = ranges.OF_TYPE if found.dtype == "uint8" else ranges.AUTO
        if text == ranges.AUTO:
            ends = self._measured(found, facts, on_progress)
        elif text == ranges.OF_TYPE:
            ends = (found.low, found.high)
        else:
            ends = ranges.given(text, len(found.bands))
        found = Intensities(found.dtype, found.bands, *ends, found.nodata, found.chosen)
        if not found.plain:
            how = f" (--range {text})" if found.dtype != "uint8" or text != ranges.OF_TYPE else ""
            self._notes.append(f"pictures of {ranges.described(found, bits)}{how}")
        return found

    def _measured(self, found: Intensities, facts: list[_Facts], on_progress: SurveyProgress) -> ranges.Ends:
        training = set(self.training)
        files = [one.file for one in facts if one.file in training]
        most = max(ranges.LEAST_SAMPLED, ranges.MOST_SAMPLED // max(1, len(files)))
        counted: list[np.ndarray] = []
        for done, (_, future) in enumerate(ordered_map(partial(_counts, intensities=found, most=most), files), 1):
            counts = future.result()
            if counts is not None and ranges.countable(found.dtype) and counted:
                counted[0] = counted[0] + counts
            elif counts is not None:
                counted.append(counts)
            on_progress(done, len(files))
        result = ranges.measured(counted, found)
        if result is None:
            raise DataError(f"{facts[0].file.parent}: no training picture has a value in all bands (--range LOW:HIGH)")
        for value, share in result.lone:
            alone = (
                f"{value:g}, {100 * share:.2g} % of the values, stands far from all others and is left out of the range"
            )
            self._notes.append(f"{alone} (if it means no data: --nodata {value:g})")
        return result.ends


QUIET_SECONDS = 1.0
"""A look at pictures that takes less is not worth a word of progress."""

ONE_DEPTH = "one depth a set: convert some, or prepare two sets"


def _patient(on_progress: SurveyProgress) -> SurveyProgress:
    """Progress that is shown only after `QUIET_SECONDS`."""
    start = time.monotonic()

    def tell(done: int, total: int) -> None:
        if time.monotonic() - start > QUIET_SECONDS:
            on_progress(done, total)

    return tell


def _as_kept(value: float, facts: _Facts) -> float:
    """A value as it is in the pixels that are kept: beyond the range of single precision it is infinite."""
    with np.errstate(over="ignore"):
        return float(np.float32(value)) if kept_dtype(facts.info) == "float32" else value


def _looked_at(file: Path) -> PictureInfo | None:
    """The facts of a file, without those that need memory; None if it cannot be read."""
    try:
        found = info_of(file)
        if ALPHA in found.bands and found.format == "TIFF":  # its values decide
            found = read(file).info
    except (*UNREADABLE, MemoryError):
        return None
    return found


def _counts(file: Path, intensities: Intensities, most: int) -> np.ndarray | None:
    try:
        return ranges.counts_of(read(file), intensities, most)
    except (*UNREADABLE, MemoryError):
        return None  # named when the sample is read


def _numbers(text: str, facts: _Facts) -> tuple[int, ...]:
    """Numbers, from 1, of the bands that `--bands` names in a file. Raises InputError."""
    listed = f"{facts.file} has {_listed(facts.bands)}"
    found = []
    for word in (part.strip() for part in text.split(",")):
        names = [band.lower() for band in facts.bands]
        number = int(word) if word.isdigit() else names.index(word.lower()) + 1 if word.lower() in names else 0
        if not 1 <= number <= len(facts.bands):
            raise InputError(f"--bands {text}: no band {word} ({listed})")
        if number in found:
            raise InputError(f"--bands {text}: band {word} is named twice")
        found.append(number)
    return tuple(found)


def _listed(bands: tuple[str, ...]) -> str:
    more = ["…"] * (len(bands) > MOST_NAMED)
    return ", ".join([f"{number} {name}" for number, name in enumerate(bands[:MOST_NAMED], 1)] + more)


def _described(facts: _Facts) -> str:
    dtype = kept_dtype(facts.info)
    return f"{depth_of(dtype)}, {in_words(facts.bands)}"


def _too_many(facts: _Facts) -> str:
    every = ",".join(str(number) for number, _ in enumerate(facts.bands[:MOST_NAMED], 1))
    every += ",…" * (len(facts.bands) > MOST_NAMED)
    notes = "".join(f"; {note}" for note in facts.info.notes)
    choice = f"choose by --bands, three as in 1,2,3, or all by {every}"
    return f"{facts.file}: has {len(facts.bands)} bands: {_listed(facts.bands)}{notes} ({choice})"


def _noted(facts: list[_Facts], chosen: bool) -> list[str]:
    """What was decided where files leave it open, each once. chosen: whether bands are."""
    found = []
    several = [one for one in facts if one.info.pages > 1]
    if several:
        pages = f"{several[0].file} has {several[0].info.pages} pages: the first one is read"
        found.append(pages + f", as of {len(several) - 1:,} other pictures" * (len(several) > 1))
    owners: dict[str, list[_Facts]] = {}
    for one in facts:
        for note in one.info.notes:
            owners.setdefault(note, []).append(one)
        if ALPHA in one.bands and one.info.format != "TIFF" and not chosen:  # of a TIFF it is among the notes
            owners.setdefault(ON_WHITE, []).append(one)
        if one.info.profile and one.kind != ("uint8", 3):
            owners.setdefault(
                f"its colour profile, {one.info.profile}, is left aside: values are as stored", []
            ).append(one)
    for note, those in owners.items():
        found.append(f"{those[0].file}{f' and {len(those) - 1:,} others' * (len(those) > 1)}: {note}")
    return found
