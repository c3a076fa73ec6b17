"""Note in memory that the server and a worker share what the worker has begun, for when it ends in the middle of it."""

import contextlib
import mmap
import struct
from typing import IO, Iterator, NamedTuple

from mlpackage_runtime import memory_files

NUMBERS = struct.Struct("=QQ")


class Begun(NamedTuple):
    """What a worker is doing, in numbers of requests from 1, in the order of their responses.

    `through` is the last request that run() has been called for, and `reading` the one that the worker is converting.
    """

    through: int
    reading: int


@contextlib.contextmanager
def shared_memory() -> Iterator[IO[bytes]]:
    """Yield an open file of memory for one Progress; raises OSError."""
    with _in_memory() as file:
        file.truncate(mmap.PAGESIZE)
        yield file


def _in_memory() -> IO[bytes]:
    with contextlib.suppress(OSError):  # a container may forbid it
        return open(memory_files.create(b"mlpackage-progress"), "w+b")
    import tempfile  # which takes long

    return tempfile.TemporaryFile()


class Progress:
    """The notes of one worker."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, mmap.PAGESIZE)

    def note(self, through: int, reading: int) -> None:
        NUMBERS.pack_into(self._memory, 0, through, reading)

    def close(self) -> None:
        """Free the memory, and with it a descriptor."""
        self._memory.close()

    def read(self) -> Begun:
        return Begun(*NUMBERS.unpack_from(self._memory, 0))
