"""Read a file that goes into a context: once, whole, and the same from its beginning to its end."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Protocol

from hatch_mlpackage.context.plan import ContextFile
from hatch_mlpackage.errors import ContextError, explained

_CHUNK = 1 << 20


class Progress(Protocol):
    """Is called after each chunk with the file and the number of bytes that were written."""

    def __call__(self, file: ContextFile, written: int) -> None: ...


def copy_and_hash(
    file: ContextFile,
    source: Path,
    reader: FileIO,
    *,
    before: os.stat_result,
    write: Callable[[memoryview], object],
    progress: Progress,
) -> str:
    """Pass on what is read, never more than was planned, and return its sha256.

    `before` is the state of the file when anything of it was taken first.
    Raises ContextError when the file cannot be read, changes meanwhile or is not the one that was locked; what `write`
    raises is the caller's.
    """
    digest, taken = hashlib.sha256(), 0
    buffer = memoryview(bytearray(min(_CHUNK, file.size + 1)))  # one more, to notice a file that grew
    while (count := _fill(buffer, reader, source)) and taken + count <= file.size:
        digest.update(buffer[:count])
        write(buffer[:count])
        taken += count
        progress(file, count)
    after = os.fstat(reader.fileno())
    if count or taken != file.size or (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        raise ContextError(f"{source}: changed while it was read. Run again when nothing writes to it.")
    if file.sha256 not in {"", digest.hexdigest()}:
        raise ContextError(f"{source}: is not the file that was locked. Remove it, and run: mlpackage lock")
    return digest.hexdigest()


def _fill(buffer: memoryview, reader: FileIO, source: Path) -> int:
    with explained(source):
        return reader.readinto(buffer) or 0
