"""A table of classes to edit, made from the masks themselves: the values or colours they hold, and how often."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from casnet_cli.data.classes.class_lists import ClassList
from casnet_cli.data.classes.listed_names import ListedNames, listed_names
from casnet_cli.data.masks.blending import Blending, blending_of
from casnet_cli.data.masks.mask_file import unpack_color
from casnet_cli.data.masks.mask_survey import TOO_MANY, Survey, survey
from casnet_cli.errors import DataError
from casnet_cli.labels import MAX_CLASSES, VOID, with_colors

BLACK, WHITE = 0x000000, 0xFFFFFF
APART = 100
"""Smallest difference of two greys that compression has not made of ids between them."""

MIN_REACH = 40
"""Smallest distance that is advised for `--nearest-color`."""


@dataclass(frozen=True)
class Proposal:
    """A table of classes, and what was found in the masks."""

    text: str
    """Content of a `classes.toml`."""
    found: tuple[str, ...]
    """Sentences on what the masks are and what that needs; they stand in the text too."""


@dataclass(frozen=True)
class _Row:
    """A class of the table."""

    name: str
    """Name."""
    pixels: int
    """Pixels that have it."""
    ids: tuple[int, ...] = ()
    """Key `ids`."""
    color: tuple[int, int, int] | None = None
    """Key `color`."""


@dataclass(frozen=True)
class _Values:
    """The values from which classes are made."""

    by_color: bool
    """Whether they are packed colours."""
    kept: dict[int, int]
    """Pixels of each value that may be a class or void."""
    total: int
    """All pixels."""
    blending: Blending | None
    """What blending has made of the masks; None: they show none."""


def propose(files: Sequence[Path], lists: Sequence[ClassList] = ()) -> Proposal:
    """A table with a class for each value or colour, and with its share of the pixels as a comment.

    Grey and palette masks give ids, and a palette's colours with them; RGB masks, and palettes that disagree, give
    colours. 255 is proposed as void, unless 0, or 0 and 1 without ever being beside it, are the only other values:
    these are then background and object. Of masks with blended borders the values that fill areas are proposed. lists:
    of classes, whose names and colours count; classes that no mask holds are rows then too. Raises
    DataError if a file can be no mask, or if there are kinds that no table describes.
    """
    if not files:
        raise DataError("no mask files")
    found = survey(files)
    values, notes = _values(found, files[0].parent)
    levels = _levels(found, values)
    names = listed_names(lists, list(values.kept), values.by_color)
    notes += names.notes
    if levels:
        rows, void = _two_rows(found, values, levels, names), {}
        notes.append(_on_levels(found, values, levels))
    else:
        void = _void(found, values, names)
        rows = _rows(found, values, void, names)
        notes += [_on_blending(values, values.blending, found.lossy is not None)] if values.blending else []
    transparent = _transparent_row(found, values)
    if transparent:
        notes.append(transparent[1])
        rows = [transparent[0], *rows]
    if not rows:
        raise DataError(f"{files[0]}: no pixel of this mask, or of any other, holds a value")
    notes += [f"{remark.line}." for remark in found.remarks.all()]
    if len(rows) < 2:
        notes.append(
            "One class alone teaches nothing: if what is void, or a part of it, is the ground, make it a class."
        )
    return Proposal(_text(rows, void, values, notes, found.files), tuple(notes))


def _values(found: Survey, folder: Path) -> tuple[_Values, list[str]]:
    """What the table is to be of, and why where that is not plain. Raises DataError if no table can be right."""
    by_color, notes = _kind(found)
    if by_color:
        pixels, inner = found.colors, found.inner_colors
    else:
        pixels, inner = found.levels() if "colour" in found.first else (found.ids, found.inner_ids)
    lossy = found.lossy is not None
    blending = blending_of(pixels, inner, by_color, lossy, found.dropped, None if by_color else found.between)
    if blending is None and len(pixels) > TOO_MANY:
        hint = "saved as JPEG?" if found.lossy else "photographs among the masks, or scaled with blending?"
        raise DataError(f"{folder}: more than {TOO_MANY} different values ({hint})")
    transparent = sum(number for (color, _), number in found.transparent.items() if color == by_color)
    total = sum(pixels.values()) + transparent + found.dropped
    kept = {value: pixels[value] for value in sorted(blending.solid if blending else pixels)}
    return _Values(by_color, kept, total, blending), notes


def _kind(found: Survey) -> tuple[bool, list[str]]:
    """Whether the table is of colours, and why where that is not plain. Raises DataError if no table can be right."""
    colour, plain, palette = (found.first.get(kind) for kind in ("colour", "plain", "palette"))
    if found.disagreement:
        index, other, second = found.disagreement
        color, first = found.palette[index]
        what = f"index {index} is {_hex(color)} in {first} and {_hex(other)} in {second}"
        if plain:
            raise DataError(f"palettes disagree: {what}; and {plain} holds ids without colours (masks of one kind)")
        return True, [f"Palettes disagree: {what}. So the colours are the classes, not the indices."]
    if colour and palette and not plain:
        return True, ["Palette masks and RGB masks: the colours are the classes."]
    if colour and (plain or palette):
        if palette is None and "tinted" not in found.first:
            return False, ["Grey masks of one and of three channels: their levels are the ids."]
        raise DataError(f"{plain} holds ids and {colour} colours (masks of one kind in one folder)")
    return bool(colour), []


def _levels(found: Survey, values: _Values) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Values of the ground and of the object where masks are black and white; None: they are not."""
    held = set(values.kept)
    if values.by_color:
        return ((BLACK,), (WHITE,)) if held == {BLACK, WHITE} else None
    if held == {0, VOID}:
        return (0,), (VOID,)
    if held == {0, 1, VOID} and found.ones and found.fulls and not found.both and not found.palette:
        return (0,), (1, VOID)
    if held == {0, 1} and found.depths == {1}:
        return (0,), (1,)
    if values.blending and len(held) == 2 and not found.palette:
        low, high = sorted(held)
        return ((low,), (high,)) if high - low >= (APART if found.lossy else 1) else None
    return None


def _on_levels(found: Survey, values: _Values, levels: tuple[tuple[int, ...], tuple[int, ...]]) -> str:
    """What black-and-white masks are, and what mends them where that is needed."""
    low, high = (_shown(one[-1], values.by_color) for one in levels)
    kind = "Black and white of 1 bit" if found.depths == {1} else "Black and white"
    meaning = f"{low} is the background, {high} the object"
    if len(levels[1]) == 2:
        kind += ", as 0 and 1 in some files and 0 and 255 in others"
        meaning = "1 and 255 are the object (if 255 is unlabelled here, move it to void)"
    if (blending := values.blending) is None:
        return f"{kind}: {meaning}."
    kind += " saved as JPEG" if found.lossy else " with blended borders"
    middle = ((levels[0][-1] & 255) + (levels[1][-1] & 255) + 1) // 2
    share = f"{100 * blending.share:.2f} % of the pixels have values between"
    return f"{kind}: {meaning}; {share}, and prepare and check mend them by --threshold {middle}."


def _on_blending(values: _Values, blending: Blending, lossy: bool) -> str:
    """What is blended, and what mends it."""
    how = "Saved as JPEG" if lossy else "Blended borders"
    share = f"{how}: {100 * blending.share:.2f} % of the pixels have values between those of the classes."
    again = "export the masks again as PNG, scaled without blending"
    if values.by_color:
        reach = max(MIN_REACH, blending.reach)
        return f"{share} Best {again}; prepare and check mend them by --nearest-color {reach}."
    return f"{share} Between ids nothing can be told: {again}."


def _void(found: Survey, values: _Values, names: ListedNames) -> dict[str, list[object]]:
    """Keys and values of `void`."""
    listed = names.void(list(values.kept))
    if not values.by_color:
        unlisted = [value for value in values.kept if (value == VOID or value < 0) and value not in names.classes]
        ids = sorted([*listed, *unlisted])
        return {"ids": list(ids)} if ids else {}
    if names.classes:
        return {"colors": [list(unpack_color(color)) for color in listed]} if listed else {}
    others = {color for index, (color, _) in found.palette.items() if index != VOID}
    if len(found.void_colors) == 1 and not found.void_colors & others and found.void_colors <= set(values.kept):
        return {"colors": [list(unpack_color(color)) for color in found.void_colors]}
    return {}


def _void_values(void: dict[str, list[object]]) -> set[int]:
    colors = [color for color in void.get("colors", []) if isinstance(color, list)]
    ids = {value for value in void.get("ids", []) if isinstance(value, int)}
    return ids | {color[0] << 16 | color[1] << 8 | color[2] for color in colors}


def _two_rows(
    found: Survey, values: _Values, levels: tuple[tuple[int, ...], tuple[int, ...]], names: ListedNames
) -> list[_Row]:
    """Background and object."""
    rows = []
    for name, held, spare in zip(("background", "object"), levels, with_colors(("0", "1")).palette, strict=True):
        pixels = sum(values.kept[value] for value in held)
        name = next((names.classes[value].name for value in held if value in names.classes), name)
        if values.by_color:
            rows.append(_Row(name, pixels, (), unpack_color(held[0])))
        else:
            known = found.palette.get(held[0])
            grey = (held[-1], held[-1], held[-1]) if "colour" in found.first else spare
            rows.append(_Row(name, pixels, held, unpack_color(known[0]) if known else grey))
    return rows


def _rows(found: Survey, values: _Values, void: dict[str, list[object]], names: ListedNames) -> list[_Row]:
    """A class for each value that is not void, and for those that are only listed."""
    absent = [value for value, listed in names.classes.items() if value not in values.kept and not listed.void]
    kept = sorted([*(value for value in values.kept if value not in _void_values(void)), *absent])
    generated = with_colors(tuple(map(str, kept))).palette if 0 < len(kept) <= MAX_CLASSES else ((0, 0, 0),) * len(kept)
    used: set[tuple[int, int, int]] = set()
    rows = []
    for value, spare in zip(kept, generated, strict=True):
        listed, pixels = names.classes.get(value), values.kept.get(value, 0)
        if values.by_color:
            rows.append(_Row(listed.name if listed else _hex(value), pixels, (), unpack_color(value)))
            continue
        known = found.palette.get(value, (0, Path()))[0]
        color = (listed.color if listed else None) or (unpack_color(known) if found.palette else spare)
        name = listed.name if listed else f"class {value}"
        rows.append(_Row(name, pixels, (value,), None if color in used else color))
        used.add(color)  # one class a colour
    return rows


def _transparent_row(found: Survey, values: _Values) -> tuple[_Row, str] | None:
    """A class for the ground where masks are transparent, and the note on it; None: they are not, or it has one."""
    hidden: Counter[int] = Counter()
    for (color, value), number in found.transparent.items():
        if color == values.by_color and number:
            hidden[value] += number
    if not hidden:
        return None
    pixels = sum(hidden.values())
    share = f"Transparent: {100 * pixels / max(1, values.total):.2f} % of the pixels, taken for the background."
    fill = next(iter(hidden))
    if len(hidden) == 1 and fill not in values.kept:
        shade = unpack_color(fill) if values.by_color else None
        return _Row("background", pixels, () if values.by_color else (fill,), shade), share
    if values.by_color:
        spare = next(value for value in range(1 << 24) if value not in values.kept and value not in hidden)
        return _Row("background", pixels, (), unpack_color(spare)), f"{share} Its colour stands for them alone."
    return _Row("background", pixels, (-1,)), f"{share} Its id stands for them alone."


def _text(rows: list[_Row], void: dict[str, list[object]], values: _Values, notes: list[str], files: int) -> str:
    lines = [f"# Proposed from {files} masks. Name the classes; give several ids to one class to merge them."]
    lines += [f"# {' '.join(note.splitlines())}" for note in notes]
    if void:
        share = 100 * sum(values.kept[value] for value in _void_values(void)) / values.total
        content = ", ".join(f"{key} = {listed}" for key, listed in void.items())
        lines += [f"void = {{{content}}}    # {share:.2f} % of the pixels: unlabelled, as in most data sets", ""]
    else:
        lines += [f"# Unlabelled pixels, if there are any, would be: {_unused(values)}", ""]
    for row in rows:
        share = 100 * row.pixels / max(1, values.total)
        name = json.dumps(row.name, ensure_ascii=False)
        lines += ["[[class]]", f"name = {name}    # {share:.2f} % of the pixels"]
        lines += [f"ids = {list(row.ids)}"] if row.ids else []
        lines += [f"color = {list(row.color)}"] if row.color else []
        lines += [""]
    return "\n".join(lines)


def _unused(values: _Values) -> str:
    """A line `void` of an id or a colour that no class has."""
    if values.by_color:
        color = next(grey for grey in range(256) if grey * 0x010101 not in values.kept)
        return f"void = {{colors = {[[color] * 3]}}}"
    return f"void = {{ids = [{next(value for value in range(VOID, -1 << 32, -1) if value not in values.kept)}]}}"


def _shown(value: int, by_color: bool) -> str:
    return _hex(value) if by_color else str(value)


def _hex(color: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*unpack_color(color))
