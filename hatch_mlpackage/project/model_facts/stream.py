"""Open a model's file or a member of an archive, so that no file can make its reader fill the memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from hatch_mlpackage.files.read import open_file
from hatch_mlpackage.project.model_facts.facts import UnreadableModelError

LONGEST = 1 << 30  # bytes of one value; longer ones are arrays, which are skipped
_CHUNK = 1 << 20
_LONGEST_MEMBER = 1 << 28  # bytes


class Stream:
    """Read a binary file forwards, in pieces of a limited length, with the methods that `pickletools.genops` needs."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LONGEST:
            raise UnreadableModelError(f"it announces a value of {size} bytes, more than mlpackage reads")
        return self._file.read(size)

    def readline(self) -> bytes:
        return self._file.readline(_CHUNK)

    def skip(self, size: int) -> None:
        """Skip this many bytes; raise UnreadableModelError if the file ends before them."""
        while size > 0:
            passed = len(self._file.read(min(size, _CHUNK)))
            if not passed:
                raise UnreadableModelError("it is cut short in an array")
            size -= passed


class _Inflated(io.RawIOBase):
    """Inflate what joblib compresses with zlib, for which the standard library has no file class."""

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


# The first bytes of each compressed format (joblib/compressor.py) → what opens it.
_OPENERS: dict[bytes, Callable[[IO[bytes]], object]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZ": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x5d\x00": lzma.LZMAFile,
    b"x": lambda file: io.BufferedReader(_Inflated(file), _CHUNK),
}


def open_stream(path: Path) -> tuple[IO[bytes], Stream]:
    """Open a file; return what to close and what to read."""
    file = open_file(path)
    first = file.read(5)
    file.seek(0)
    opener = next((opener for magic, opener in _OPENERS.items() if first.startswith(magic)), None)
    if first.startswith(b"\x04\x22\x4d\x18"):
        file.close()
        raise UnreadableModelError("it is compressed with lz4, which mlpackage does not read")
    return file, Stream(opener(file) if opener else file)  # type: ignore[arg-type]


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes; raise UnreadableModelError if it is missing or larger than any description is."""
    try:
        with archive.open(name) as member:
            content = member.read(_LONGEST_MEMBER + 1)
    except KeyError:
        raise UnreadableModelError(f"it has no {name.rpartition('/')[2]}") from None
    if len(content) > _LONGEST_MEMBER:
        raise UnreadableModelError(f"its {name.rpartition('/')[2]} is larger than {_LONGEST_MEMBER >> 20} MB")
    return content
