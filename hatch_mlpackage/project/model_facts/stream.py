"""Read a model's bytes forwards, inflated where they are compressed, and pay for each piece."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any, Protocol

from hatch_mlpackage.project.model_facts.budget import Budget
from hatch_mlpackage.project.model_facts.facts import CutShortError, UnreadableModelError

LONGEST = 1 << 30  # bytes of one value; longer ones are arrays, which are skipped
LONGEST_KEPT = 1 << 16  # bytes; longer strings belong to arrays, and nobody reads those
_CHARACTERS_OF_AN_OPERATION = 8  # of a line, which may be a number of many digits
_CHUNK = 1 << 20
_PIECE = 1 << 16
_XZ_MEMORY = 1 << 27  # bytes; `xz -9` needs half of it


class _Decompressor(Protocol):
    """Inflate at most `max_length` bytes at a time."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Metered(io.RawIOBase):
    """Pay for each piece that `read` gives; `pay` takes its size."""

    def __init__(self, read: Callable[[int], bytes], pay: Callable[[int], object]) -> None:
        super().__init__()
        self._read = read
        self._pay = pay

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._read(min(len(buffer), _CHUNK))
        self._pay(len(piece))
        buffer[: len(piece)] = piece
        return len(piece)


class Stream:
    """Give a pickle's reader its bytes forwards, in pieces of a limited length.

    `end` is the size of a file in which skipping costs nothing, and None where skipping has to inflate.
    """

    def __init__(self, file: IO[bytes], budget: Budget, *, end: int | None = None) -> None:
        self.budget = budget
        self._file = file
        self._end = end

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def exactly(self, size: int) -> bytes:
        """Return so many bytes, of a value that is kept."""
        found = self._file.read(size)
        if len(found) != size:
            raise CutShortError("it is cut short")
        return found

    def readline(self) -> bytes:
        found = self._file.readline(LONGEST_KEPT)
        self.budget.work(len(found) // _CHARACTERS_OF_AN_OPERATION)
        return found

    def line(self) -> bytes | None:
        """Return a whole line, or None for one that is too long to be kept, which is skipped."""
        found = self.readline()
        if found.endswith(b"\n") or len(found) < LONGEST_KEPT:
            return found
        while found and not found.endswith(b"\n"):
            found = self._file.readline(_CHUNK)
        return None

    def skip(self, size: int) -> None:
        """Skip this many bytes; raise CutShortError if the file ends before them."""
        if self._end is not None:
            place = self._file.tell() + size
            if place > self._end:
                raise CutShortError("it is cut short in an array")
            self._file.seek(place)
            return
        if size > LONGEST:
            self.budget.refuse(f"it announces a value of {size} bytes, more than mlpackage reads")
        while size > 0:
            passed = len(self._file.read(min(size, _CHUNK)))
            if not passed:
                raise CutShortError("it is cut short in an array")
            size -= passed


class _Inflating:
    """Inflate a file, and the ones that follow it in the same bytes, as `cat` makes them."""

    def __init__(self, file: IO[bytes], make: Callable[[], _Decompressor]) -> None:
        self._file = file
        self._make = make
        self._decompressor = make()
        self._ended = False

    def read(self, size: int) -> bytes:
        while not self._ended:
            inflated = self._next(size) if self._decompressor.eof else self._inflate(self._more(), size)
            if inflated:
                return inflated
        return b""

    def _inflate(self, packed: bytes, size: int) -> bytes:
        # One that has given as much as it was asked for may have nothing more, and read nothing: that is no end.
        has_read = getattr(self._decompressor, "needs_input", True)
        inflated = self._decompressor.decompress(packed, size)
        self._ended = has_read and not (inflated or packed or self._decompressor.eof)
        return inflated

    def _next(self, size: int) -> bytes:
        """Begin with the bytes behind a whole compressed file; where they are none of the kind, the file ends."""
        packed = self._decompressor.unused_data or self._file.read(_PIECE)
        self._decompressor = self._make()
        try:
            return self._inflate(packed, size)
        except (OSError, lzma.LZMAError, zlib.error):
            self._ended = True
            return b""

    def _more(self) -> bytes:
        """Return what the decompressor left over, or the next bytes if it has none."""
        left = getattr(self._decompressor, "unconsumed_tail", b"")
        return left or (self._file.read(_PIECE) if getattr(self._decompressor, "needs_input", True) else b"")


# The first bytes of each compressed format (joblib/compressor.py) → what inflates it, and how much slower than zlib.
_FORMATS: dict[bytes, tuple[Callable[[], Any], int]] = {
    b"\x1f\x8b": (lambda: zlib.decompressobj(wbits=31), 1),
    b"BZ": (bz2.BZ2Decompressor, 8),
    b"\xfd7zXZ": (lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY), 4),
    b"\x5d\x00": (lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY), 4),
    b"x": (zlib.decompressobj, 1),
}


def stream_of(file: IO[bytes], size: int, budget: Budget) -> Stream:
    """Return a stream of a file's bytes, inflated if they are compressed."""
    first = file.read(5)
    file.seek(0)
    if first.startswith(b"\x04\x22\x4d\x18"):
        raise UnreadableModelError("it is compressed with lz4, which mlpackage does not read")
    found = next((known for magic, known in _FORMATS.items() if first.startswith(magic)), None)
    if found is None:
        return Stream(file, budget, end=size)
    make, weight = found
    return Stream(inflated(_Inflating(file, make).read, budget, weight=weight), budget)


def inflated(read: Callable[[int], bytes], budget: Budget, *, weight: int = 1) -> io.BufferedReader:
    """Buffer what a decompressor gives, and pay for it."""
    return io.BufferedReader(Metered(read, lambda size: budget.inflate(size, weight=weight)), _PIECE)
