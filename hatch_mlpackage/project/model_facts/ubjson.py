"""Read UBJSON (ubjson.org) by hand, as far as XGBoost writes it: a bare `hatch build` has no library for it.

Arrays of numbers are skipped.
"""

from __future__ import annotations

import struct
from typing import Any

from hatch_mlpackage.project.model_facts.facts import UnreadableModelError

_NUMBERS = {
    b"i": ">b",
    b"U": ">B",
    b"I": ">h",
    b"l": ">i",
    b"L": ">q",
    b"d": ">f",
    b"D": ">d",
}
_PLAIN = {b"T": True, b"F": False, b"Z": None}
_DEEPEST = 60


def read_ubjson(content: bytes) -> Any:
    """Return the value; raise UnreadableModelError, IndexError or struct.error for bytes that are not UBJSON."""
    reader = _UbjsonReader(content)
    return reader.value(reader.mark(), 0)


class _UbjsonReader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def take(self, size: int) -> bytes:
        if size < 0 or self._place + size > len(self._content):
            raise UnreadableModelError("it is cut short")
        taken = self._content[self._place : self._place + size]
        self._place += size
        return taken

    def mark(self) -> bytes:
        mark = self.take(1)
        return mark if mark != b"N" else self.mark()

    def value(self, mark: bytes, depth: int) -> Any:
        if mark in _PLAIN:
            return _PLAIN[mark]
        if mark in _NUMBERS:
            return self.number(mark)
        if mark in {b"S", b"H"}:
            return self.text()
        if mark == b"C":
            return self.take(1).decode()
        if depth > _DEEPEST or mark not in {b"[", b"{"}:
            raise UnreadableModelError("it is not UBJSON")
        return self.array(depth) if mark == b"[" else self.table(depth)

    def number(self, mark: bytes) -> Any:
        code = _NUMBERS[mark]
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def length(self) -> int:
        length = self.number(self.mark())
        if not isinstance(length, int) or length < 0:
            raise UnreadableModelError("it gives something a negative length")
        return length

    def text(self) -> str:
        return self.take(self.length()).decode()

    def announced(self) -> tuple[bytes, int | None]:
        """Read the type and the number of a container's items, if it announces them."""
        kind, count = b"", None
        if self._content[self._place : self._place + 1] == b"$":
            self._place += 1
            kind = self.take(1)
        if self._content[self._place : self._place + 1] == b"#":
            self._place += 1
            count = self.length()
        return kind, count

    def array(self, depth: int) -> list[Any]:
        kind, count = self.announced()
        if kind in _NUMBERS and count is not None:
            self.take(count * struct.calcsize(_NUMBERS[kind]))
            return []
        items: list[Any] = []
        while count is None or len(items) < count:
            mark = kind or self.mark()
            if count is None and mark == b"]":
                break
            items.append(self.value(mark, depth + 1))
            if kind in _PLAIN and count is not None:
                break  # these items take no bytes, so a container may announce any number of them
        return items

    def table(self, depth: int) -> dict[str, Any]:
        kind, count = self.announced()
        items: dict[str, Any] = {}
        read = 0
        while count is None or read < count:
            if count is None and self._content[self._place : self._place + 1] == b"}":
                self._place += 1
                break
            name = self.text()
            items[name] = self.value(kind or self.mark(), depth + 1)
            read += 1
        return items
