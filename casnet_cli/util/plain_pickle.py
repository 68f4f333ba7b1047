"""Reads pickles of plain values: a few operations of Python's format, and nothing of Python is imported or called.

Python's own reader makes what a file names, as large and as deep as it says. This one knows texts, whole numbers,
lists, tuples, tables and references; names of Python objects stay names, and a call of one is put into a `Call`.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TypeVar

T = TypeVar("T")

MOST_OPERATIONS = 1 << 17
"""Of one pickle; the weights of a network of a thousand layers need half as many."""


UNNEEDED = "which no state dict of tensors needs"


class NotPlain(ValueError):
    """What is wrong with a pickle."""


@dataclass(frozen=True)
class Name:
    """The name of a Python object."""

    module: str
    """Where it would be imported from."""
    name: str
    """What it is called there."""


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a Python object that was not made."""

    name: Name
    """What would be called."""
    arguments: tuple[object, ...]
    """What it would be given."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference to what is kept outside of the pickle."""

    id: object
    """As the file has it."""


_MARK = object()


def read_pickle(file: IO[bytes], allowed: Callable[[Name], bool]) -> object:
    """The value of the pickle at the file's position, which is then behind it.

    allowed: whether a Python object may be named. Raises NotPlain, naming the object or the operation; ValueError,
    IndexError, TypeError or KeyError for a damaged pickle.
    """
    reader = _Reader(allowed)
    for number, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if number >= MOST_OPERATIONS:
            raise NotPlain(f"has more than {MOST_OPERATIONS:,} operations in a pickle")
        if operation.name == "STOP":
            return reader.stack.pop()
        reader.do(operation.name, argument)
    raise NotPlain("ends within a pickle")


class _Reader:
    """A stack and a table of remembered values."""

    def __init__(self, allowed: Callable[[Name], bool]):
        self.allowed = allowed
        self.stack: list[object] = []
        self.kept: dict[int, object] = {}

    def do(self, operation: str, argument: object) -> None:
        """Do one operation. Raises as `read_pickle` does."""
        if operation in ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"):
            self.stack.append(argument)
        elif operation in _CONSTANTS:
            self.stack.append(_CONSTANTS[operation]())
        elif operation in ("BINPUT", "LONG_BINPUT"):
            assert isinstance(argument, int)
            self.kept[argument] = self.stack[-1]
        elif operation in ("BINGET", "LONG_BINGET"):
            assert isinstance(argument, int)
            self.stack.append(self.kept[argument])
        elif operation == "GLOBAL":
            name = Name(*str(argument).split(" ", 1))
            if not self.allowed(name):
                raise NotPlain(f"asks for the Python object {f'{name.module}.{name.name}'!r}, {UNNEEDED}")
            self.stack.append(name)
        elif operation in ("TUPLE1", "TUPLE2", "TUPLE3"):
            number = int(operation[-1])
            self.stack[-number:] = [tuple(self.stack[-number:])]
        elif operation != "PROTO":
            self._combine(operation)

    def _combine(self, operation: str) -> None:
        """An operation on several values of the stack."""
        if operation == "TUPLE":
            self.stack.append(tuple(self._above_mark()))
        elif operation in ("APPEND", "APPENDS"):
            values = self._above_mark() if operation == "APPENDS" else [self.stack.pop()]
            _of(list, self.stack[-1]).extend(values)
        elif operation in ("SETITEM", "SETITEMS"):
            values = self._above_mark() if operation == "SETITEMS" else [self.stack.pop(-2), self.stack.pop()]
            pairs = zip(values[::2], values[1::2], strict=True)
            _of(dict, self.stack[-1]).update({_of(str, key): value for key, value in pairs})
        elif operation == "REDUCE":
            arguments, name = _of(tuple, self.stack.pop()), _of(Name, self.stack.pop())
            table = name == Name("collections", "OrderedDict") and not arguments
            self.stack.append({} if table else Call(name, arguments))
        elif operation == "BINPERSID":
            self.stack.append(Reference(self.stack.pop()))
        elif operation == "BUILD":  # attributes of a table, such as the versions of PyTorch's modules
            self.stack.pop()
            _of(dict, self.stack[-1])
        else:
            raise NotPlain(f"has the operation {operation}, {UNNEEDED}")

    def _above_mark(self) -> list[object]:
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise NotPlain("has a list without a beginning")
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values


_CONSTANTS: dict[str, Callable[[], object]] = {
    "MARK": lambda: _MARK,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise NotPlain(f"has a {type(value).__name__} where a {kind.__name__} belongs")
    return value
