"""Read protobuf's wire format by hand: it runs in a bare `hatch build`, which has no protobuf library.

The format is described at protobuf.dev/programming-guides/encoding; no schema is needed.
Only what is asked for is read: weights of any size are passed over.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, NamedTuple

from hatch_mlpackage.project.model_facts.budget import Budget
from hatch_mlpackage.project.model_facts.facts import UnloadableModelError, UnreadableModelError

_VARINT, _EIGHT, _DELIMITED, _FOUR = 0, 1, 2, 5
_LONGEST_TEXT = 1 << 20
_LONGEST_VARINT = 10  # bytes
_OPERATIONS_OF_A_FIELD = 4


class Field(NamedTuple):
    """Hold a field's number, its value if it is an integer, and where its bytes start and end if it is not."""

    number: int
    value: int
    start: int
    end: int


class Message:
    """Read one message, which is a stretch of a file."""

    def __init__(self, file: IO[bytes], budget: Budget, start: int, end: int) -> None:
        self._file = file
        self._budget = budget
        self._start = start
        self._end = end

    @classmethod
    def of(cls, file: IO[bytes], budget: Budget) -> Message:
        """Return the message that a whole file is."""
        return cls(file, budget, 0, file.seek(0, io.SEEK_END))

    def fields(self) -> Iterator[Field]:
        place = self._start
        while place < self._end:
            self._budget.work(_OPERATIONS_OF_A_FIELD)
            tag, place = self._varint(place)
            number, kind = tag >> 3, tag & 7
            value = 0
            start = place
            if kind == _VARINT:
                value, place = self._varint(place)
            elif kind == _DELIMITED:
                length, start = self._varint(place)
                place = start + length
            elif kind in {_EIGHT, _FOUR}:
                place += 8 if kind == _EIGHT else 4
            else:
                raise UnloadableModelError("it is not protobuf")
            if place > self._end or number == 0:
                raise UnloadableModelError("it is not protobuf, or it is cut short")
            yield Field(number, value, start, place)

    def messages(self, number: int) -> list[Message]:
        """Return every message that the field with this number holds."""
        found = (field for field in self.fields() if field.number == number)
        return [Message(self._file, self._budget, field.start, field.end) for field in found]

    def message(self, *path: int) -> Message | None:
        """Return the last message of the field that the numbers lead to, or None."""
        found: Message | None = self
        for number in path:
            inside = found.messages(number) if found else []
            found = inside[-1] if inside else None
        return found

    def texts(self, number: int) -> list[str]:
        return [message.text() for message in self.messages(number)]

    def first_text(self, number: int) -> str:
        return next(iter(self.texts(number)), "")

    def integers(self, number: int) -> list[int]:
        """Return every value of a field of integers, which may be negative."""
        return [
            field.value - (1 << 64) if field.value >> 63 else field.value
            for field in self.fields()
            if field.number == number
        ]

    def integer(self, number: int, default: int = 0) -> int:
        return next(iter(self.integers(number)), default)

    def text(self) -> str:
        """Return the bytes as a string, for a field that holds one."""
        if self._end - self._start > _LONGEST_TEXT:
            raise UnreadableModelError("a name in it is longer than any name")
        self._file.seek(self._start)
        text = self._file.read(self._end - self._start).decode()
        self._budget.keep(text)
        return text

    def _varint(self, place: int) -> tuple[int, int]:
        self._file.seek(place)
        value = 0
        for index, byte in enumerate(self._file.read(_LONGEST_VARINT)):
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint lacks this bit
                return value & ((1 << 64) - 1), place + index + 1
        raise UnloadableModelError("it is not protobuf, or it is cut short")
