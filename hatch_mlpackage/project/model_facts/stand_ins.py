"""Stand in for the objects of a pickle, which are never made."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

_RECONSTRUCTORS = frozenset({"copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__"})
_STATE_OF_AN_ARRAY = 5  # numpy's ndarray.__setstate__: version, shape, type, order, data
# numpy's codes of the plain types → those of `struct`.
_FORMATS: Mapping[str, str] = {
    "b1": "?",
    "f4": "f",
    "f8": "d",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
}


class ImportedName(NamedTuple):
    """Name a class or function that a pickle imports."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Made:
    """Stand in for the result of calling `maker` with `arguments`, filled with `state` afterwards."""

    __slots__ = ("arguments", "maker", "state")

    def __init__(self, maker: object, arguments: object, state: Any = None) -> None:
        self.maker = maker
        self.arguments = arguments
        self.state = state

    @property
    def type(self) -> str:
        """Return the dotted name of the class, or of the function that makes the object."""
        maker = self.maker if isinstance(self.maker, ImportedName | str) else "an object of an unknown class"
        if str(maker) in _RECONSTRUCTORS and isinstance(self.arguments, tuple | list) and self.arguments:
            maker = self.arguments[0] if isinstance(self.arguments[0], ImportedName) else maker
        return str(maker)


def state_of(estimator: object) -> Mapping[str, Any]:
    """Return the attributes of an object, and none for anything else."""
    state = estimator.state if isinstance(estimator, Made) else None
    if isinstance(state, tuple) and state:  # a class with slots has their values second
        state = state[0]
    return state if isinstance(state, dict) else {}


def step_of(pipeline: object, index: int) -> object:
    """Return the estimator of a pipeline's step, or None."""
    steps = state_of(pipeline).get("steps")
    step = steps[index] if isinstance(steps, list) and steps else None
    return step[1] if isinstance(step, tuple | list) and len(step) > 1 else None


def array(shape: object, dtype: object, items: object = None) -> Made:
    """Stand in for a numpy array, however it was stored; `items` are objects, or bytes that begin with those of one."""
    return Made("numpy.ndarray", (), (1, shape, dtype, False, items))


def strings_of(value: object) -> tuple[str, ...]:
    """Return the strings of a list or of an array of objects, and () for anything else."""
    if isinstance(value, Made):
        state = value.state
        value = state[4] if isinstance(state, tuple) and len(state) == _STATE_OF_AN_ARRAY else None
    return tuple(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else ()


def first_of(value: object) -> bool | float | str | None:
    """Return the first plain item of an array, and None where there is none that JSON could hold."""
    state = value.state if isinstance(value, Made) else None
    if not isinstance(state, tuple) or len(state) != _STATE_OF_AN_ARRAY:
        return None
    items = state[4]
    if isinstance(items, bytes):
        form = _FORMATS.get(code_of(state[2]).lstrip("<>|="))
        size = struct.calcsize(form) if form else 0
        items = list(struct.unpack(f"{_order_of(state[2])}{form}", items[:size])) if size and len(items) >= size else ()
    plain = (item for item in items or () if isinstance(item, bool | int | float | str))
    return next((item for item in plain if not isinstance(item, float) or math.isfinite(item)), None)


def _order_of(dtype: object) -> str:
    """Return the order of the bytes of a pickled type, as `struct` writes it."""
    state = dtype.state if isinstance(dtype, Made) else None
    return ">" if isinstance(state, tuple) and ">" in state[:2] else "<"


def number_of(value: object) -> int | None:
    """Return an integer, also from the bytes that a numpy scalar keeps; None for anything else."""
    if isinstance(value, Made) and isinstance(value.arguments, tuple) and value.arguments:
        raw = value.arguments[-1]
        value = int.from_bytes(raw, "little", signed=True) if isinstance(raw, bytes) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def kind_of(value: object) -> str:
    """Return the first letter of an array's type (`f` for numbers, `U` or `O` for strings), or ""."""
    state = value.state if isinstance(value, Made) else None
    return code_of(state[2])[:1] if isinstance(state, tuple) and len(state) == _STATE_OF_AN_ARRAY else ""


def code_of(dtype: object) -> str:
    """Return numpy's code of a pickled type, such as `f8`, or ""."""
    arguments = dtype.arguments if isinstance(dtype, Made) else None
    first = arguments[0] if isinstance(arguments, tuple) and arguments else ""
    return first if isinstance(first, str) else ""
