"""Write values as Python, laid out as a formatter would lay them out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

DATETIME = "datetime64[ns]"  # the type of a column
_WIDTH = 120
_LAST_OF_FOUR_DIGITS = 0xFFFF
_LONE = re.compile(r"[\ud800-\udfff]")  # half of a character, which names in a pickle may hold
_SAMPLES: dict[str, Any] = {"str": "", "bool": False, DATETIME: "2000-01-01T00:00:00"}  # of types that are no numbers


def text(value: str) -> str:
    """Quote a string with double quotes, and escape each character that an editor would not show."""
    return f'"{"".join(map(_letter, value))}"'


def _letter(letter: str) -> str:
    if letter in {'"', "\\"}:
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) <= _LAST_OF_FOUR_DIGITS else f"\\U{ord(letter):08x}"


def document(value: Any) -> str:
    """Write a value as JSON, with letters as they are unless UTF-8 cannot hold one."""
    shown = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if _LONE.search(shown) else shown


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
