"""Text files in the encodings that people save them in, and what they hold: what cannot be read is a ValueError."""

from __future__ import annotations

import ast
import codecs
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decode(content: bytes) -> str:
    """Decode as UTF-8, or UTF-16 where a byte order mark says so: PowerShell's `pip freeze >` writes that."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding)
    return content.decode("utf-8")


def parse_json(text: str | bytes) -> Any:
    with _of_any_depth():
        return json.loads(text)


def parse_toml(text: str | bytes) -> dict[str, Any]:
    with _of_any_depth():
        return tomllib.loads(text.decode() if isinstance(text, bytes) else text)


def parse_python(source: bytes | str, name: str) -> ast.Module:
    """Parse a program; raise SyntaxError or ValueError for what is none."""
    with _of_any_depth():
        return ast.parse(source, filename=name)


@contextmanager
def _of_any_depth() -> Iterator[None]:
    """Tell of brackets in brackets without end as of any other text that is no good: parsers run out of stack."""
    try:
        yield
    except (MemoryError, RecursionError):
        raise ValueError("it is nested too deeply") from None
