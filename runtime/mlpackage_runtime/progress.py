"""Note in memory that the server and a worker share what the worker has begun, for when it ends in the middle of it."""

import mmap
import os
import struct
from typing import NamedTuple

NUMBERS = struct.Struct("=QQ")


class Begun(NamedTuple):
    """What a worker is doing, in numbers of requests from 1, in the order of their responses.

    `through` is the last request that run() has been called for, and `reading` the one that the worker is converting.
    """

    through: int
    reading: int


def shared_memory() -> int:
    """Return a file descriptor of memory for one Progress; raises OSError."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("mlpackage-progress")
    else:
        import tempfile  # which takes long

        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, mmap.PAGESIZE)
    return fd


class Progress:
    """The notes of one worker."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, mmap.PAGESIZE)

    def note(self, through: int, reading: int) -> None:
        NUMBERS.pack_into(self._memory, 0, through, reading)

    def read(self) -> Begun:
        return Begun(*NUMBERS.unpack_from(self._memory, 0))
