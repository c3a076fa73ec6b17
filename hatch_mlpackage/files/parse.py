"""Read, decode and parse text files; text that cannot be decoded or parsed raises ValueError."""

from __future__ import annotations

import ast
import codecs
import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatch_mlpackage.files.read import file_bytes

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# A line that version control leaves in a text that it cannot merge, what is wrong with the text, and the next step.
CONFLICT = (
    r"(?:<{7}|={7}|>{7}|\|{7})(?:\s|$)",
    "a merge-conflict marker is left in the file.",
    "Resolve the conflict: keep one side and delete the marker lines.",
)
_CONFLICT = re.compile(f"(?m)^{CONFLICT[0]}")


def read_if_there(path: Path) -> bytes | None:
    """Return a file's bytes, None where there is no such file; raise OSError where it cannot be read."""
    try:
        return file_bytes(path)
    except FileNotFoundError:
        return None


def text_of(content: bytes | None) -> str | None:
    """Decode UTF-8, and None as None, with lines that end in a line feed whatever system checked the file out.

    Undecodable bytes become U+FFFD, so that a check of the text finds the damage.
    """
    if content is None:
        return None
    return content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def decode(content: bytes) -> str:
    """Decode UTF-8, or the encoding of a byte order mark: `pip freeze >` in PowerShell writes UTF-16 with one."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding)
    return content.decode("utf-8")


def merge_conflict(text: str) -> str:
    """Name the first line that is a merge-conflict marker; return nothing where there is none."""
    marker = _CONFLICT.search(text)
    return f"line {text.count(chr(10), 0, marker.start()) + 1} is a merge-conflict marker" if marker else ""


def parse_json(text: str | bytes) -> Any:
    with _of_any_depth():
        return json.loads(text)


def parse_toml(text: str | bytes) -> dict[str, Any]:
    with _of_any_depth():
        return tomllib.loads(text.decode() if isinstance(text, bytes) else text)


def parse_python(source: bytes | str, name: str) -> ast.Module:
    """Parse a Python program; raise SyntaxError or ValueError for any other text."""
    with _of_any_depth():
        return ast.parse(source, filename=name)


@contextmanager
def _of_any_depth() -> Iterator[None]:
    """Raise ValueError for brackets nested so deeply that the parser runs out of stack."""
    try:
        yield
    except (MemoryError, RecursionError):
        raise ValueError("it is nested too deeply") from None
