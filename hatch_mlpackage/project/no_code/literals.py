"""Writes values as Python that is laid out as a formatter would."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

_WIDTH = 120


def text(value: str) -> str:
    """Quote a text with double quotes, every character of it readable in an editor or escaped."""
    return json.dumps(value, ensure_ascii=not value.isprintable())


def texts(values: Iterable[str], *, name: str) -> str:
    """Write a list on one line where it fits behind `name = `, and else one item a line."""
    items = [text(value) for value in values]
    line = f"[{', '.join(items)}]"
    if len(name) + len(" = ") + len(line) <= _WIDTH:
        return line
    return "[\n" + "".join(f"    {item},\n" for item in items) + "]"


def shape(sizes: Sequence[int]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def literal(value: Any) -> str:
    """Write a value that JSON could hold as Python does, with double quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{text(name)}: {literal(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return text(value) if isinstance(value, str) else repr(value)
