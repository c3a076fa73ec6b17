"""List the files that git tracks, from its index: no rule of a `.gitignore` is about those."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_STAT = 40  # bytes of times, owner, mode and size before an entry's hash
_SHA1, _SHA256 = 20, 32  # bytes
_HAS_MORE_FLAGS = 0x4000


def tracked_paths(index: bytes, *, sha256: bool = False) -> Iterator[bytes]:
    """Yield the paths in an index of git.

    Raises ValueError for one that git cannot have written, and for one that lies partly in another file.
    """
    if index[:4] != b"DIRC" or len(index) < _STAT:
        raise ValueError("it is no index of git")
    version, count = struct.unpack(">II", index[4:12])
    if version not in {2, 3, 4}:
        raise ValueError(f"it has version {version}")
    fixed = _STAT + (_SHA256 if sha256 else _SHA1)
    begin, path = 12, b""
    for _ in range(count):
        (flags,) = _unpack(">H", index, begin + fixed)
        name = begin + fixed + (4 if flags & _HAS_MORE_FLAGS else 2)
        kept = b""
        if version == 4:  # noqa: PLR2004 - the path begins as the one before it
            dropped, name = _varint(index, name)
            kept = path[: len(path) - dropped]
        end = index.index(b"\0", name)
        path = kept + index[name:end]
        yield path
        # Entries are padded to eight bytes, except in version 4.
        begin = end + 1 if version == 4 else begin + (end - begin + 8) // 8 * 8  # noqa: PLR2004
    if b"link" in _extensions(index, begin):
        raise ValueError("it is split")


def _extensions(index: bytes, begin: int) -> Iterator[bytes]:
    """Yield the signatures of the extensions, which follow the entries; a hash follows them."""
    while begin < len(index) - _SHA256:
        yield index[begin : begin + 4]
        begin += 8 + _unpack(">I", index, begin + 4)[0]


def _unpack(layout: str, index: bytes, begin: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, index, begin)
    except struct.error:
        raise ValueError("it is cut off") from None


def _varint(index: bytes, begin: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, as git stores offsets, and return it with where it ends."""
    value = index[begin] & 0x7F
    while index[begin] & 0x80:
        begin += 1
        value = ((value + 1) << 7) | (index[begin] & 0x7F)
    return value, begin + 1
