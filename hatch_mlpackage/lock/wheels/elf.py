"""Read which shared libraries a program or library for Linux needs, from the table of its dynamic section (ELF-64)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"\x7fELF"
_64_BIT, _LITTLE_ENDIAN = 2, 1
_LOAD, _DYNAMIC = 1, 2  # types of segments
_NEEDED, _STRINGS = 1, 5  # tags of the dynamic section


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


def needed_libraries(content: bytes) -> tuple[str, ...]:
    """Return the names of the libraries that a file needs; raise ValueError for what is not ELF of 64 bits."""
    if content[:4] != MAGIC or content[4:6] != bytes((_64_BIT, _LITTLE_ENDIAN)):
        raise ValueError("not a file of ELF with 64 bits and the low byte first")
    try:
        segments = list(_segments(content))
        entries = [entry for it in segments if it.kind == _DYNAMIC for entry in _entries(content, it)]
        strings = next((_place(value, segments) for tag, value in entries if tag == _STRINGS), 0)
        return tuple(_text(content, strings + value) for tag, value in entries if tag == _NEEDED)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError("a damaged file of ELF") from error


def _segments(content: bytes) -> Iterator[_Segment]:
    (table,) = struct.unpack_from("<Q", content, 32)
    size, number = struct.unpack_from("<HH", content, 54)
    for index in range(number):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", content, table + index * size)
        yield _Segment(kind, offset, address, length)


def _entries(content: bytes, section: _Segment) -> Iterator[tuple[int, int]]:
    for start in range(section.offset, section.offset + section.size, 16):
        tag, value = struct.unpack_from("<qQ", content, start)
        yield tag, value


def _place(address: int, segments: list[_Segment]) -> int:
    """Return the offset in the file of what is loaded at an address."""
    for it in segments:
        if it.kind == _LOAD and it.address <= address < it.address + it.size:
            return it.offset + address - it.address
    raise ValueError("a file of ELF whose texts are not in it")


def _text(content: bytes, start: int) -> str:
    return content[start : content.index(b"\0", start)].decode("ascii")
