"""Opens a model's file, compressed or not, for readers that must not be led into eating all memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from hatch_mlpackage.project.model_facts.facts import UnreadableModelError

LONGEST = 1 << 30  # bytes of one value; longer ones are arrays, which are passed over
_CHUNK = 1 << 20


class Stream:
    """A binary file that is read forwards, in pieces of a bounded length.

    It has what `pickletools.genops` asks of a file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LONGEST:
            raise UnreadableModelError(f"a value of {size} bytes is announced in it")
        return self._file.read(size)

    def readline(self) -> bytes:
        return self._file.readline(_CHUNK)

    def skip(self, size: int) -> None:
        """Pass over as many bytes; raise UnreadableModelError where they are not there."""
        while size > 0:
            passed = len(self._file.read(min(size, _CHUNK)))
            if not passed:
                raise UnreadableModelError("it is cut short in an array")
            size -= passed


class _Inflated(io.RawIOBase):
    """What joblib compresses with zlib, which has no file class of its own in the standard library."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._inflate = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        inflated = self._more(len(buffer))
        buffer[: len(inflated)] = inflated
        return len(inflated)

    def _more(self, size: int) -> bytes:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(_CHUNK)
            inflated = self._inflate.decompress(packed, size)
            if inflated or not packed:
                return inflated
        return b""


# What joblib and gzip write first (joblib/compressor.py).
_OPENERS: dict[bytes, Callable[[IO[bytes]], object]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZ": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00": lzma.LZMAFile,
    b"x": lambda file: io.BufferedReader(_Inflated(file), _CHUNK),
}


def open_stream(path: Path) -> tuple[IO[bytes], Stream]:
    """Return the file to close and the stream to read."""
    file = path.open("rb")
    first = file.read(5)
    file.seek(0)
    opener = next((opener for magic, opener in _OPENERS.items() if first.startswith(magic)), None)
    if first.startswith(b"\x04\x22\x4d\x18"):
        file.close()
        raise UnreadableModelError("it is compressed with lz4, which is not read here")
    return file, Stream(opener(file) if opener else file)  # type: ignore[arg-type]
