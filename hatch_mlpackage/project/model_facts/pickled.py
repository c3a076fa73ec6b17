"""Read what a pickle would make by hand: a bare `hatch build` has no frameworks, and unpickling would run its code.

The pickle's operations work on stand-ins here. Each call becomes a `Made`, which
remembers the name, the arguments and the state.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from hatch_mlpackage.project.model_facts.facts import UnreadableModelError
from hatch_mlpackage.project.model_facts.operations import operations
from hatch_mlpackage.project.model_facts.pickle_steps import STEPS, STEPS_WITH_ARGUMENT, Stack
from hatch_mlpackage.project.model_facts.stand_ins import ImportedName, Made, array, code_of

if TYPE_CHECKING:
    from hatch_mlpackage.project.model_facts.stream import Stream

_ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_BYTES_OF_A_CHARACTER = 4  # numpy's `U`
_MOST_DIMENSIONS = 64  # numpy's own limit
_LARGEST_ITEM = 8  # bytes of a number


class Unpickled(NamedTuple):
    """Hold the outermost object and everything that loading it would import."""

    root: object
    names: frozenset[ImportedName]

    @property
    def own(self) -> str:
        """List what the program that saved the pickle defines itself, which no image has."""
        return ", ".join(sorted(name.name for name in self.names if name.module == "__main__"))


def read_pickle(stream: Stream) -> Unpickled:
    """Read one pickle to its end, including the arrays that joblib puts between its operations.

    Raises UnreadableModelError, or whatever `pickletools` and the stand-ins raise on bytes that are not a pickle.
    """
    stack = Stack()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a damaged string of protocol 0 has escapes of no meaning
        _work(stack, stream)
    return Unpickled(stack.values.pop(), frozenset(stack.names))


def _work(stack: Stack, stream: Stream) -> None:
    """Carry out the operations on the stack, up to the one that ends the pickle."""
    for name, argument in operations(stream):
        if name in STEPS:
            STEPS[name](stack)
        else:
            STEPS_WITH_ARGUMENT.get(name, Stack.push)(stack, argument)
        if name == "BUILD":
            _pass_array(stack, stream)


def _pass_array(stack: Stack, stream: Stream) -> None:
    """Skip an array's bytes, which joblib writes behind a wrapper, and replace the wrapper by an array."""
    wrapper = stack.values[-1]
    if isinstance(wrapper, Made) and wrapper.type == _ARRAY_WRAPPER and isinstance(wrapper.state, dict):
        stack.values[-1] = wrapper.state = _array(wrapper.state, stack, stream)


def _array(wrapper: Mapping[str, Any], stack: Stack, stream: Stream) -> object:
    dtype, shape = wrapper.get("dtype"), wrapper.get("shape")
    code = code_of(dtype)
    if code.startswith("O"):  # an array of objects is a pickle of its own
        inner = read_pickle(stream)
        stack.names |= inner.names
        return inner.root
    if wrapper.get("numpy_array_alignment_bytes") is not None:
        stream.skip(stream.exactly(1)[0])
    size, count = _size_of(code), _count(shape if isinstance(shape, tuple) else (shape,))
    first = stream.exactly(size) if count and size <= _LARGEST_ITEM else b""
    stream.skip(size * count - len(first))
    return array(shape, dtype, first)


def _count(shape: tuple[object, ...]) -> int:
    """Return how many items an array has."""
    sizes = [size for size in shape[: _MOST_DIMENSIONS + 1] if isinstance(size, int) and size >= 0]
    if len(sizes) != len(shape) or len(sizes) > _MOST_DIMENSIONS:
        raise UnreadableModelError("an array in it has no size")
    return math.prod(sizes)


def _size_of(code: str) -> int:
    """Return how many bytes one item of a numpy type takes: `f8`, `U10`, `V56`."""
    match = re.fullmatch(r"([a-zA-Z])(\d{1,9})", code)
    if match is None:
        raise UnreadableModelError(f"an array in it has the unknown type '{code[:20]}'")
    return int(match[2]) * (_BYTES_OF_A_CHARACTER if match[1] == "U" else 1)
