"""Merge the arguments of several requests along their first axis, and split what run() returned for all of them."""

import importlib
import math
import sys
from itertools import accumulate
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from mlpackage_runtime.worker.plan import NUMPY, PANDAS, Parameter, Plan
from mlpackage_runtime.worker.script import Script
from mlpackage_runtime.worker.styles import Arguments

SCALARS = (str, int, float, bool, type(None))
# How far the floats of merged and of separate calls may be from each other, before they are other answers.
RELATIVE, ABSOLUTE = 1e-3, 1e-6
ROWS = ("records", "values")  # the forms of pandas' JSON in which a client cannot name the rows


class Shape(NamedTuple):
    """What requests must have in common to be merged, and the number of rows of one."""

    key: Tuple[object, ...]
    rows: int


class Merging:
    """Merges the requests of a script; raises ValueError, which says why, for one whose requests cannot be merged."""

    def __init__(self, script: Script, plan: Optional[Plan]) -> None:
        if plan is None:
            raise ValueError("run() has no NumPy or pandas schema, or another decorator around it")
        if script.wants_headers:
            raise ValueError("run() takes request_headers, which each request has of its own")
        self._kinds = {parameter.name: _Kind(parameter) for parameter in plan.parameters if _has_rows(parameter)}
        if not self._kinds:
            raise ValueError("no parameter of run() has a NumPy or pandas schema of rows")
        self.function = plan.function
        self._names = [parameter.name for parameter in script.parameters]

    def shape(self, arguments: Arguments) -> Optional[Shape]:
        """Return the shape of converted arguments; None for those that have to be scored alone."""
        key: List[object] = []
        rows = -1
        for name in self._names:
            value = arguments[name]
            if name in self._kinds:
                if rows not in (-1, len(value)):
                    return None
                rows = len(value)
                key += self._kinds[name].key(value)
            elif isinstance(value, SCALARS):
                key += (type(value), value)
            else:
                return None
        return Shape(tuple(key), rows) if rows > 0 else None

    def merged(self, several: Sequence[Arguments]) -> Arguments:
        """Return the arguments of one call for several requests with the same key."""
        merged = dict(several[0])
        for name, kind in self._kinds.items():
            merged[name] = kind.merge([arguments[name] for arguments in several])
        return merged


class _Kind:
    """How the values of a parameter are compared and merged."""

    def __init__(self, parameter: Parameter) -> None:
        if type(parameter.kind).__module__ == NUMPY:
            self.key: Callable[[Any], Tuple[object, ...]] = lambda array: (array.dtype, array.shape[1:])
            self.merge: Callable[[List[Any]], Any] = importlib.import_module("numpy").concatenate
        else:
            pandas = importlib.import_module("pandas")
            self.key = lambda frame: (tuple(frame.columns), tuple(frame.dtypes))
            self.merge = lambda frames: pandas.concat(frames, ignore_index=True)


def _has_rows(parameter: Parameter) -> bool:
    module = type(parameter.kind).__module__
    if module == NUMPY:
        return not parameter.optional and parameter.kind.sample_input.ndim > 0
    return module == PANDAS and not parameter.optional and parameter.kind.orient in ROWS


def split(result: Any, rows: Sequence[int]) -> Optional[List[Any]]:
    """Return the part of a result for each request by its number of rows; None for a result that is not made of rows.

    Lists, tuples, arrays, series and frames are, and dictionaries of these.
    """
    total = sum(rows)
    if isinstance(result, dict):
        return _split_values(result, rows)
    cut = _cutter(result)
    if cut is None or len(result) != total:
        return None
    ends = list(accumulate(rows))
    return [cut(end - count, end) for end, count in zip(ends, rows)]


def _split_values(result: Dict[Any, Any], rows: Sequence[int]) -> Optional[List[Any]]:
    found: List[Dict[Any, Any]] = [{} for _ in rows]
    for name, value in result.items():
        parts = split(value, rows)
        if parts is None:
            return None
        for one, part in zip(found, parts):
            one[name] = part
    return found if result else None


def _cutter(result: Any) -> Optional[Callable[[int, int], Any]]:
    if isinstance(result, (list, tuple)):
        return lambda start, end: result[start:end]
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and isinstance(result, numpy.ndarray) and result.ndim:
        return lambda start, end: result[start:end]
    if pandas is not None and isinstance(result, (pandas.DataFrame, pandas.Series)):
        return lambda start, end: result.iloc[start:end]
    return None


Json = Union[Dict[str, Any], List[Any], str, float, None]


def alike(one: Json, other: Json) -> bool:
    """Tell whether two JSON values are equal but for the last digits of floats, which depend on the size of a batch."""
    if isinstance(one, float) and isinstance(other, float):
        same = math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        return same or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other
