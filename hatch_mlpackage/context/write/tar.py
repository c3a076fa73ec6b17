"""Write a context as a tar, in one pass and in little memory: the same bytes on every machine.

The format is pax (POSIX.1-2001), as Python writes it: plain ustar headers, which every tar reads, and an extended one
only for a name or a size that ustar cannot hold. GNU's own extension for those is read by fewer programs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from hatch_mlpackage.context.manifest import Manifest
from hatch_mlpackage.context.plan import DIRECTORY_MODE, ContextFile, Hashed
from hatch_mlpackage.context.write.leftovers import PARTIAL, remove_dead
from hatch_mlpackage.context.write.read import Progress, copy_and_hash
from hatch_mlpackage.errors import ContextError, explained
from hatch_mlpackage.files.lock import lock
from hatch_mlpackage.files.read import open_file, open_raw

_MAGIC_AT, _MAGIC = 257, b"ustar"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, and put it at `path` when it is whole; a device or a pipe there is written to directly.

    Raises ContextError when a file that is no tar is in the way, or cannot be written; it is then as it was.
    """
    with explained(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                yield stream
            return
        _refuse_foreign(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_dead(path, _remove_file)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
        try:
            with partial.open("xb") as stream:
                lock(stream.fileno())
                yield stream
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def write_tar(
    files: Iterable[ContextFile],
    stream: BinaryIO,
    *,
    finish: Callable[[Hashed], tuple[Iterable[ContextFile], Manifest]],
    timestamp: int,
    progress: Progress,
) -> Manifest:
    """Write the files in their order, each folder before what it holds, and last those that `finish` makes.

    Everything belongs to user and group 0, has no names of either, and the time `timestamp` (seconds since 1970).
    Raises ContextError when a file changes while it is read: what was written so far is then no whole tar.
    """
    folders: set[str] = set()
    hashed: list[tuple[ContextFile, str]] = []
    written = 0
    for file in files:
        if file.named_context and isinstance(file.source, Path):
            hashed.append((file, _copy(file, file.source, len, progress)))  # read, and written nowhere
            continue
        written += _write_folders(file.path, folders, stream, timestamp)
        size, digest = _write_file(file, stream, timestamp, progress)
        written += size
        hashed.append((file, digest))
    last, manifest = finish(hashed)
    for file in last:
        written += _write_file(file, stream, timestamp, progress)[0]
    # The end is two empty blocks, and tars are written in whole records.
    end = 2 * tarfile.BLOCKSIZE
    stream.write(bytes(end + -(written + end) % tarfile.RECORDSIZE))
    stream.flush()
    return manifest


def _write_folders(path: str, written: set[str], stream: BinaryIO, timestamp: int) -> int:
    """Write the folders above a path that are not there yet; their times would otherwise be those of the unpacking."""
    size = 0
    for folder in reversed([str(folder) for folder in PurePosixPath(path).parents if folder.name]):
        if folder not in written:
            written.add(folder)
            header = _header(folder, timestamp, mode=DIRECTORY_MODE, kind=tarfile.DIRTYPE)
            size += stream.write(header)
    return size


def _write_file(file: ContextFile, stream: BinaryIO, timestamp: int, progress: Progress) -> tuple[int, str]:
    """Write a file; return how many bytes that took, and the sha256 of its contents."""
    header = _header(file.path, timestamp, mode=file.mode, size=file.size)
    stream.write(header)
    if isinstance(file.source, bytes):
        stream.write(file.source)
        digest = hashlib.sha256(file.source).hexdigest()
        progress(file, file.size)
    else:
        digest = _copy(file, file.source, stream.write, progress)
    padding = -file.size % tarfile.BLOCKSIZE
    stream.write(bytes(padding))
    return len(header) + file.size + padding, digest


def _copy(file: ContextFile, source: Path, write: Callable[[memoryview], object], progress: Progress) -> str:
    with explained(source):
        reader = open_raw(source)
    with reader:  # what fails in writing is the tar's affair
        before = os.fstat(reader.fileno())
        return copy_and_hash(file, source, reader, before=before, write=write, progress=progress)


def _header(path: str, timestamp: int, *, mode: int, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.size, entry.mtime, entry.type = mode, size, timestamp, kind
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _remove_file(path: Path) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)


def _refuse_foreign(path: Path) -> None:
    if not path.exists() or not path.stat().st_size:
        return
    with open_file(path) as file:
        head = file.read(_MAGIC_AT + len(_MAGIC))
    if not head.endswith(_MAGIC):
        raise ContextError(f"{path}: in the way and not a tar. Remove it, or choose another name.")
