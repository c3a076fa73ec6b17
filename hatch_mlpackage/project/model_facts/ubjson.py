"""Read UBJSON (ubjson.org) by hand, as far as XGBoost writes it: a bare `hatch build` has no library for it.

Arrays of numbers are skipped, in the file too.
"""

from __future__ import annotations

import io
import struct
from typing import IO, Any

from hatch_mlpackage.project.model_facts.budget import Budget
from hatch_mlpackage.project.model_facts.facts import CutShortError, UnreadableModelError

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
_LONGEST_TEXT = 1 << 20
_OPERATIONS_OF_A_VALUE = 2


def read_ubjson(file: IO[bytes], budget: Budget, *, cut: bool = False) -> Any:
    """Return the value; raise UnreadableModelError or struct.error for bytes that are not UBJSON.

    With `cut` the bytes may end early: a table then has the entries before that end.
    """
    reader = _UbjsonReader(file, budget, cut=cut)
    return reader.value(reader.mark(), 0)


class _UbjsonReader:
    def __init__(self, file: IO[bytes], budget: Budget, *, cut: bool) -> None:
        self._file = file
        self._budget = budget
        self._may_be_cut = cut
        self._is_cut = False
        self._end = file.seek(0, io.SEEK_END)
        file.seek(0)

    def take(self, size: int) -> bytes:
        taken = self._file.read(size)
        if len(taken) != size:
            raise CutShortError("it is cut short")
        return taken

    def skip(self, size: int) -> None:
        place = self._file.tell() + size
        if place > self._end:
            raise CutShortError("it is cut short")
        self._file.seek(place)

    def takes(self, sign: bytes) -> bool:
        """Take the next byte if it is this sign."""
        if self._file.read(1) == sign:
            return True
        self._file.seek(-1, io.SEEK_CUR)
        return False

    def mark(self) -> bytes:
        while (mark := self.take(1)) == b"N":
            self._budget.work()
        return mark

    def value(self, mark: bytes, depth: int) -> Any:
        self._budget.work(_OPERATIONS_OF_A_VALUE)
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
        length = self.length()
        if length > _LONGEST_TEXT:
            raise UnreadableModelError("a text in it is longer than any name")
        text = self.take(length).decode()
        self._budget.keep(text)
        return text

    def announced(self) -> tuple[bytes, int | None]:
        """Read the type and the number of a container's items, if it announces them."""
        kind, count = b"", None
        if self.takes(b"$"):
            kind = self.take(1)
        if self.takes(b"#"):
            count = self.length()
        return kind, count

    def array(self, depth: int) -> list[Any]:
        kind, count = self.announced()
        if kind in _NUMBERS and count is not None:
            self.skip(count * struct.calcsize(_NUMBERS[kind]))
            return []
        items: list[Any] = []
        while not self._is_cut and (count is None or len(items) < count):
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
        while not self._is_cut and (count is None or read < count):
            if count is None and self.takes(b"}"):
                break
            try:
                name = self.text()
                items[name] = self.value(kind or self.mark(), depth + 1)
            except CutShortError:
                if not self._may_be_cut:
                    raise
                self._is_cut = True
            read += 1
        return items
