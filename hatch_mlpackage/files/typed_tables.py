"""Read TOML tables into frozen dataclasses, driven by the types of their fields.

A key is its field's name with dashes. Whatever does not fit is added to the problems with its full TOML key, and the
field keeps its default, so that one pass finds every mistake.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hatch_mlpackage.errors import Problems

T = TypeVar("T")

_TOML_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}
_UNREADABLE = object()


def did_you_mean(word: str, known: Iterable[str], *, folder: str = "") -> str:
    """Return a sentence that suggests the known word most like the given one, or an empty text.

    `folder`, with its slash, is put before the word: that of a path whose last name is `word`.
    """
    close = nearest(word, known)
    return f"Did you mean '{folder}{close}'?" if close else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like the given one, or an empty text where none is like it."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), "")


def read_table(shape: type[T], table: object, where: str, problems: Problems) -> T | None:
    """Read a table into `shape`; return None when a required key is missing or the value is not a table."""
    if not isinstance(table, Mapping):
        problems.add(where, f"must be a table, not {describe(table)}.")
        return None
    known = {field.name.replace("_", "-"): field for field in fields(shape)}  # type: ignore[arg-type]
    for key in table.keys() - known.keys():
        problems.add(f"{where}.{key}", "unknown key.", did_you_mean(key, known) or _listing(known))
    types = get_type_hints(shape)
    values = {
        field.name: _read_value(types[field.name], table[key], f"{where}.{key}", problems)
        for key, field in known.items()
        if key in table
    }
    complete = _report_missing(known, table, where, problems)
    readable = {name: value for name, value in values.items() if value is not _UNREADABLE}
    return shape(**readable) if complete and _required(known) <= readable.keys() else None


def describe(value: object) -> str:
    """Describe a TOML value for a message: a scalar by itself, an array or a table by its type."""
    if isinstance(value, bool | int | float | str):
        return repr(value) if isinstance(value, str) else str(value).lower()
    return "an array" if isinstance(value, list | tuple) else "a table" if isinstance(value, Mapping) else str(value)


def _listing(known: Iterable[str]) -> str:
    return f"Known keys: {', '.join(sorted(known))}."


def _required(known: Mapping[str, Field[Any]]) -> set[str]:
    return {f.name for f in known.values() if f.default is MISSING and f.default_factory is MISSING}


def _report_missing(known: Mapping[str, Field[Any]], table: Mapping[str, Any], where: str, problems: Problems) -> bool:
    missing = [key for key, field in known.items() if field.name in _required(known) and key not in table]
    for key in missing:
        problems.add(f"{where}.{key}", "is required and missing.")
    return not missing


def _read_value(kind: Any, value: object, where: str, problems: Problems) -> Any:
    if get_origin(kind) in {Union, UnionType}:  # `Literal[...] | None` is a Union, `str | None` a UnionType
        kind = _option_for(value, get_args(kind))
    if is_dataclass(kind):
        found = read_table(kind, value, where, problems)  # type: ignore[arg-type]
        return _UNREADABLE if found is None else found
    if get_origin(kind) is tuple:
        return _read_array(get_args(kind)[0], value, where, problems)
    if get_origin(kind) is Mapping:
        return _read_mapping(get_args(kind)[1], value, where, problems)
    if get_origin(kind) is Literal:
        kind = str  # the caller checks the choices: it knows what they mean
    # A boolean is an integer in Python: comparing exact types refuses `workers = true`.
    if type(value) is kind:
        return value
    problems.add(where, f"must be {_TOML_NAMES[kind]}, not {describe(value)}.")
    return _UNREADABLE


def _option_for(value: object, options: tuple[Any, ...]) -> Any:
    """Choose the type of a union as which a value is read: an array for an array, or else the first type."""
    present = [option for option in options if option is not NoneType]
    is_array = isinstance(value, list | tuple)
    return next((option for option in present if is_array and get_origin(option) is tuple), present[0])


def _read_array(kind: Any, value: object, where: str, problems: Problems) -> Any:
    if not isinstance(value, list | tuple):
        problems.add(where, f"must be an array, not {describe(value)}.")
        return _UNREADABLE
    read = [_read_value(kind, item, f"{where}[{index}]", problems) for index, item in enumerate(value)]
    return tuple(item for item in read if item is not _UNREADABLE)


def _read_mapping(kind: Any, value: object, where: str, problems: Problems) -> Any:
    if not isinstance(value, Mapping):
        problems.add(where, f"must be a table, not {describe(value)}.")
        return _UNREADABLE
    read = {key: _read_value(kind, item, f"{where}.{key}", problems) for key, item in value.items()}
    return {key: item for key, item in read.items() if item is not _UNREADABLE}
