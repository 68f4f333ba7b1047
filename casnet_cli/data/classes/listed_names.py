"""Names for the values of masks, from the lists of classes that lie near them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from casnet_cli.data.classes.class_lists import ClassList, Listed, conflict
from casnet_cli.labels import VOID


@dataclass(frozen=True)
class ListedNames:
    """What lists say of values, or packed colours."""

    classes: dict[int, Listed] = field(default_factory=dict)
    """The class of each value that is listed, whether masks hold it or not."""
    notes: tuple[str, ...] = ()
    """Sentences on the lists that were taken, and on those that were not."""

    def void(self, values: Sequence[int]) -> list[int]:
        """Those of the values that are void by their name."""
        return [value for value in values if value in self.classes and self.classes[value].void]


def listed_names(lists: Sequence[ClassList], values: Sequence[int], by_color: bool) -> ListedNames:
    """The classes of the first list that names values of masks; others count where they agree with it.

    values: that masks hold; packed colours if `by_color`. A list without values of its own counts the places of its
    names from 0, so that it has to have all values of the masks, 255 apart.
    """
    taken: ClassList | None = None
    classes: dict[int, Listed] = {}
    notes = []
    for one in lists:
        found = _by_color(one) if by_color else {listed.id: listed for listed in one.classes}
        named = [value for value in values if value in found]
        if not named:
            continue
        lacking = [value for value in values if value not in found and (by_color or value != VOID)]
        if not by_color and not one.numbered and lacking:
            held = ", ".join(str(value) for value in sorted(lacking)[:4])
            notes.append(f"{one.file} has {len(found)} names without values and masks hold {held} too: not taken.")
        elif taken is None:
            taken, classes = one, found
            rest = f", for {len(named)} of {len(named) + len(lacking)} values" if lacking else ""
            notes.append(f"Names by {one.file}{rest}.")
        elif what := conflict(_names(classes, by_color), _names(found, by_color)):
            notes.append(f"{one.file} is not taken: {what} in {taken.file}.")
    return ListedNames(classes, tuple(notes))


def _names(classes: dict[int, Listed], by_color: bool) -> dict[object, str]:
    return {one.color if by_color else value: one.name for value, one in classes.items()}


def _by_color(one: ClassList) -> dict[int, Listed]:
    colored = ((listed.color, listed) for listed in one.classes if listed.color)
    return {color[0] << 16 | color[1] << 8 | color[2]: listed for color, listed in colored}
