"""Write values as Python, laid out as a formatter would lay them out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

DATETIME = "datetime64[ns]"  # the type of a column
_WIDTH = 120
_SAMPLES: dict[str, Any] = {"str": "", "bool": False, DATETIME: "2000-01-01T00:00:00"}  # of types that are no numbers


def text(value: str) -> str:
    """Quote a string with double quotes, and escape it where an editor would not show a character."""
    return json.dumps(value, ensure_ascii=not value.isprintable())


def texts(values: Iterable[str], *, name: str) -> str:
    """Write a list on one line if it fits behind `name = `, or else one item per line."""
    items = [text(value) for value in values]
    line = f"[{', '.join(items)}]"
    if len(name) + len(" = ") + len(line) <= _WIDTH:
        return line
    return "[\n" + "".join(f"    {item},\n" for item in items) + "]"


def shape(sizes: Sequence[int]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def literal(value: Any) -> str:
    """Write a value of JSON as Python, with double quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{text(name)}: {literal(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return text(value) if isinstance(value, str) else repr(value)


def zero(kind: str) -> Any:
    """Return a sample of a type, as a request's JSON holds it."""
    return _SAMPLES.get(kind, 0.0 if kind.startswith("float") else 0)
