"""Things that wait for others of their kind, to be worked on together."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing")


class BatchGroups(Generic[Thing]):
    """most: things that may wait; beyond it the group that began to wait first goes as it is."""

    def __init__(self, most: int = 32):
        self._most = most
        self._waiting: dict[Any, list[Thing]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, thing: Thing, group: Any, together: int) -> Iterator[list[Thing]]:
        """One more thing; gives the groups whose turn has come. group None: it waits for nobody. together: how many
        of its group are worked on at once."""
        if group is None:
            yield [thing]
            return
        self._waiting.setdefault(group, []).append(thing)
        if len(self._waiting[group]) >= together:
            yield self._waiting.pop(group)
        elif sum(map(len, self._waiting.values())) > self._most:
            yield self.oldest()

    def oldest(self) -> list[Thing]:
        """The group that began to wait first."""
        return self._waiting.pop(next(iter(self._waiting)))

    def rest(self) -> Iterator[list[Thing]]:
        while self._waiting:
            yield self.oldest()
