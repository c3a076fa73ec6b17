"""Open the members of a zip file, so that no archive can make its reader fill the memory."""

from __future__ import annotations

import io
import zipfile
from typing import IO, cast

from hatch_mlpackage.project.model_facts.budget import Budget
from hatch_mlpackage.project.model_facts.facts import UnreadableModelError
from hatch_mlpackage.project.model_facts.stream import Stream, inflated

LONGEST_MEMBER = 1 << 26  # bytes of a description
_LONGEST_DIRECTORY = 1 << 23  # bytes; the list of the members
_OPERATIONS_OF_A_MEMBER = 8
_DEEPEST = 3  # archives in archives
_SMALL = 1 << 12  # bytes; the standard library inflates whole pieces of these formats
_SLOW = {zipfile.ZIP_BZIP2: 8, zipfile.ZIP_LZMA: 4}  # how much slower than zlib
_LOCAL_HEADER = 30  # bytes before a member's name


class _Directory:
    """Give `zipfile` a file that it cannot read too much of in one piece."""

    def __init__(self, file: IO[bytes], budget: Budget) -> None:
        self._file = file
        self._budget = budget
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        if size > _LONGEST_DIRECTORY:
            self._budget.refuse("it lists more members than mlpackage reads")
        return self._file.read(size if size >= 0 else _LONGEST_DIRECTORY)


class Archive:
    """Read a zip file whose members may be anything."""

    def __init__(self, file: IO[bytes], budget: Budget, *, depth: int = 0) -> None:
        if depth > _DEEPEST:
            budget.refuse("it has archives in archives in archives")
        self._file = file
        self._budget = budget
        self._depth = depth
        self._zip = zipfile.ZipFile(cast("IO[bytes]", _Directory(file, budget)))
        self.names = tuple(self._zip.namelist())
        budget.work(_OPERATIONS_OF_A_MEMBER * len(self.names))

    def stream(self, name: str) -> Stream:
        """Return a stream of a member's bytes; raise UnreadableModelError if it is missing."""
        self._budget.work(_OPERATIONS_OF_A_MEMBER)
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            raise UnreadableModelError(f"it has no {name.rpartition('/')[2]}") from None
        member = self._zip.open(info)
        weight = _SLOW.get(info.compress_type, 1)
        small = _SMALL if info.compress_type in _SLOW else LONGEST_MEMBER
        return Stream(inflated(lambda size: member.read(min(size, small)), self._budget, weight=weight), self._budget)

    def read(self, name: str) -> bytes:
        """Return a member's bytes, which are a description."""
        content = self.stream(name).read(LONGEST_MEMBER + 1)
        if len(content) > LONGEST_MEMBER:
            self._budget.refuse(f"its {name.rpartition('/')[2]} is larger than {LONGEST_MEMBER >> 20} MB")
        return content

    def inner(self, name: str) -> Archive:
        """Open an archive that is a member."""
        info = self._zip.getinfo(name)
        stored = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1
        file = self._window(info) if stored else io.BytesIO(self.read(name))
        return Archive(file, self._budget, depth=self._depth + 1)

    def _window(self, info: zipfile.ZipInfo) -> io.BufferedReader:
        """Show the bytes of a member that is not compressed, in which seeking costs nothing."""
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL_HEADER)
        start = info.header_offset + _LOCAL_HEADER + int.from_bytes(header[26:28], "little")
        start += int.from_bytes(header[28:30], "little")
        return io.BufferedReader(_Window(self._file, start, info.file_size))


class _Window(io.RawIOBase):
    """Show a stretch of a file as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._place)
        piece = self._file.read(min(len(buffer), max(0, self._size - self._place)))
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)
