"""Apply a pickle's operations to stand-ins by hand: a bare `hatch build` has no frameworks, and must run no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hatch_mlpackage.project.model_facts.facts import UnreadableModelError
from hatch_mlpackage.project.model_facts.stand_ins import ImportedName, Made

_LARGEST_INDEX = (1 << 32) - 1  # chosen larger ones have the same hash, so that finding one takes as long as all others


class Stack:
    """Keep the pickle machine's values, marks and memo, and the names that loading would import."""

    def __init__(self) -> None:
        self.names: set[ImportedName] = set()
        self.values: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def push(self, value: object) -> None:
        self.values.append(value)

    def mark(self) -> None:
        self._marks.append(len(self.values))

    def since_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self.values[start:]
        del self.values[start:]
        return items

    def pop(self) -> None:
        if self._marks and self._marks[-1] == len(self.values):
            self._marks.pop()
        else:
            self.values.pop()

    def name(self, module: object, name: object) -> None:
        # The text of any other value could be far longer than the value: a list may hold another one many times.
        found = ImportedName(_text(module), _text(name))
        self.names.add(found)
        self.values.append(found)

    def keep(self, index: int) -> None:
        if index > _LARGEST_INDEX:
            raise UnreadableModelError("it keeps a value at an index that no pickle has")
        self._memo[index] = self.values[-1]

    def keep_next(self) -> None:
        self.keep(len(self._memo))

    def recall(self, index: int) -> None:
        self.values.append(self._memo[index])


def _text(value: object) -> str:
    return value if isinstance(value, str) else "an unknown name"


def _tuple_of(size: int) -> Callable[[Stack], None]:
    def step(stack: Stack) -> None:
        start = len(stack.values) - size
        if start < 0:
            raise UnreadableModelError("it refers to a value that is not there")
        stack.values[start:] = [tuple(stack.values[start:])]

    return step


def _dict(stack: Stack) -> None:
    items = stack.since_mark()
    stack.values.append({})
    _set(stack, items)


def _set(stack: Stack, items: list[Any]) -> None:
    target = stack.values[-1]
    if isinstance(target, dict):
        # Readers look up strings only, and a hostile pickle may use keys that a dict cannot hold.
        target.update({key: value for key, value in zip(items[::2], items[1::2], strict=False) if isinstance(key, str)})


def _set_one(stack: Stack) -> None:
    value, key = stack.values.pop(), stack.values.pop()
    _set(stack, [key, value])


def _append(stack: Stack, items: list[Any]) -> None:
    if isinstance(stack.values[-1], list):
        stack.values[-1].extend(items)


def _call(stack: Stack) -> None:
    arguments, maker = stack.values.pop(), stack.values.pop()
    stack.values.append(Made(maker, arguments))


def _call_with_keywords(stack: Stack) -> None:
    stack.values.pop()
    _call(stack)


def _make(stack: Stack) -> None:
    maker, *arguments = stack.since_mark()
    stack.values.append(Made(maker, tuple(arguments)))


def _instance(stack: Stack, argument: str) -> None:
    arguments = tuple(stack.since_mark())
    stack.name(*argument.split(" ", 1))
    stack.values.append(Made(stack.values.pop(), arguments))


def _name(stack: Stack) -> None:
    name, module = stack.values.pop(), stack.values.pop()
    stack.name(module, name)


def _build(stack: Stack) -> None:
    state = stack.values.pop()
    if isinstance(stack.values[-1], Made):
        stack.values[-1].state = state


def _foreign(stack: Stack, argument: object = None) -> None:
    """Stand in for what a pickle keeps elsewhere: persistent ids, extensions, buffers."""
    stack.values.append(Made("an object from outside", (argument,)))


# Operations without an argument, by pickletools' names. One with an argument and without a step pushes its argument.
STEPS: Mapping[str, Callable[[Stack], Any]] = {
    "NONE": lambda stack: stack.push(None),
    "NEWTRUE": lambda stack: stack.push(True),  # noqa: FBT003 - the value itself
    "NEWFALSE": lambda stack: stack.push(False),  # noqa: FBT003
    "EMPTY_TUPLE": lambda stack: stack.push(()),
    "EMPTY_LIST": lambda stack: stack.push([]),
    "EMPTY_SET": lambda stack: stack.push([]),
    "EMPTY_DICT": lambda stack: stack.push({}),
    "MARK": Stack.mark,
    "POP": Stack.pop,
    "POP_MARK": Stack.since_mark,
    "DUP": lambda stack: stack.push(stack.values[-1]),
    "LIST": lambda stack: stack.push(stack.since_mark()),
    "FROZENSET": lambda stack: stack.push(stack.since_mark()),
    "TUPLE": lambda stack: stack.push(tuple(stack.since_mark())),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "DICT": _dict,
    "SETITEM": _set_one,
    "SETITEMS": lambda stack: _set(stack, stack.since_mark()),
    "APPEND": lambda stack: _append(stack, [stack.values.pop()]),
    "APPENDS": lambda stack: _append(stack, stack.since_mark()),
    "ADDITEMS": lambda stack: _append(stack, stack.since_mark()),
    "MEMOIZE": Stack.keep_next,
    "STACK_GLOBAL": _name,
    "OBJ": _make,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "NEWOBJ_EX": _call_with_keywords,
    "BUILD": _build,
    "BINPERSID": lambda stack: _foreign(stack, stack.values.pop()),
    "NEXT_BUFFER": _foreign,
    "READONLY_BUFFER": lambda _: None,
}
STEPS_WITH_ARGUMENT: Mapping[str, Callable[[Stack, Any], None]] = {
    "PROTO": lambda _stack, _version: None,
    "FRAME": lambda _stack, _size: None,
    "PUT": Stack.keep,
    "BINPUT": Stack.keep,
    "LONG_BINPUT": Stack.keep,
    "GET": Stack.recall,
    "BINGET": Stack.recall,
    "LONG_BINGET": Stack.recall,
    "GLOBAL": lambda stack, argument: stack.name(*argument.split(" ", 1)),
    "INST": _instance,
    "PERSID": _foreign,
    "EXT1": _foreign,
    "EXT2": _foreign,
    "EXT4": _foreign,
}
