"""A function mapped over many items by several threads, with the results in the items' order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Future[Result]]]:
    """Each item with the future of its result, in the order of the items; only a few results wait to be taken."""
    workers = min(8, os.cpu_count() or 1)
    pending: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                pending.append((item, pool.submit(function, item)))
                if len(pending) > 4 * workers:
                    yield pending.popleft()
            yield from pending
        finally:
            pool.shutdown(cancel_futures=True)
