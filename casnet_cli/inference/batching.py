"""Items that wait for others of their key, to be processed together."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class BatchGroups(Generic[Item]):
    """Batches of items of equal keys.

    most: items that may wait; beyond it the group that began to wait first becomes a batch as it is.
    """

    def __init__(self, most: int = 32):
        self._most = most
        self._waiting: dict[Hashable, list[Item]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, item: Item, key: Hashable | None, limit: int) -> Iterator[list[Item]]:
        """Add an item; yields the batches that are complete now. key None: a batch of its own. limit: the size of a
        batch of that key."""
        if key is None:
            yield [item]
            return
        self._waiting.setdefault(key, []).append(item)
        if len(self._waiting[key]) >= limit:
            yield self._waiting.pop(key)
        elif sum(map(len, self._waiting.values())) > self._most:
            yield self.oldest()

    def oldest(self) -> list[Item]:
        """The group that began to wait first, as a batch."""
        return self._waiting.pop(next(iter(self._waiting)))

    def rest(self) -> Iterator[list[Item]]:
        """All groups that still wait, the oldest first."""
        while self._waiting:
            yield self.oldest()
