"""Put one file into a context: a link where there can be one, a copy otherwise, and its hash either way."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from hatch_mlpackage.context.plan import ContextFile
from hatch_mlpackage.context.write.hard_links import HardLinks
from hatch_mlpackage.context.write.read import Progress, copy_and_hash
from hatch_mlpackage.errors import explained
from hatch_mlpackage.files.known_hashes import SMALLEST, KnownHashes
from hatch_mlpackage.files.read import open_raw
from hatch_mlpackage.files.share_blocks import share_blocks


@dataclass(frozen=True, kw_only=True, slots=True)
class Reuse:
    """What need not be written again: the earlier context, unedited, with the hash of each path in it.

    A file of the same hash is linked into the new context; `known` tells the hash of a source without reading it.
    """

    directory: Path
    hashes: Mapping[str, str]
    known: KnownHashes


def make_folders(files: Iterable[ContextFile], partial: Path) -> None:
    """Make the folders of the files that are written to a context, each once."""
    for folder in sorted({file.path.rpartition("/")[0] for file in files if not file.named_context}):
        with explained(partial / folder):
            (partial / folder).mkdir(parents=True, exist_ok=True)


def link_file(file: ContextFile, partial: Path, links: HardLinks, reuse: Reuse, progress: Progress) -> str:
    """Link a file to the user's own, where that is asked for and can be; return its hash, or nothing."""
    source = file.source
    if file.layer not in links.layers or isinstance(source, bytes):
        return ""
    target = partial / file.path
    with explained(target):
        before = source.stat()
        known = reuse.known.find(source, before) if before.st_size == file.size else None
        if not links.place(source, target, file.mode):
            return ""
        digest = hash_in_place(file, source, reuse, progress, known=known)  # the link has moved the change time
        links.made(source, digest)
    return digest


def write_file(file: ContextFile, partial: Path, timestamp: int, reuse: Reuse, progress: Progress) -> str:
    target = partial / file.path
    with explained(target):
        if isinstance(file.source, bytes):
            target.write_bytes(file.source)
            digest = hashlib.sha256(file.source).hexdigest()
            progress(file, file.size)
        else:
            digest = _take_over(
                file, file.source, target, timestamp=timestamp, reuse=reuse, progress=progress
            ) or _copy(file, file.source, target, reuse, progress)
        target.chmod(file.mode)
        os.utime(target, (timestamp, timestamp))
    return digest


def store_once(file: ContextFile, target: Path, digest: str, twins: dict[tuple[str, int], Path]) -> None:
    """Let identical files share their blocks, as models in several versions often do."""
    twin = twins.setdefault((digest, file.mode), target)
    if twin != target:
        target.unlink()
        try:
            os.link(twin, target)
        except OSError:  # a file system without links
            shutil.copy2(twin, target)


def _take_over(
    file: ContextFile, source: Path, target: Path, *, timestamp: int, reuse: Reuse, progress: Progress
) -> str:
    """Link an unchanged file from the context that is about to be replaced; return its hash, or nothing."""
    if file.size < SMALLEST:
        return ""
    digest = reuse.known.find(source, source.stat()) or ""
    if not digest or reuse.hashes.get(file.path) != digest:
        return ""
    earlier = reuse.directory / file.path
    try:
        status = earlier.lstat()
        if (stat.S_IFREG | file.mode, file.size) != (status.st_mode, status.st_size):
            return ""
        # Another time is that of a file of the user's, and another hash may come from an edit that set the time back.
        if (status.st_mtime_ns, reuse.known.find(earlier, status)) != (timestamp * 10**9, digest):
            return ""
        os.link(earlier, target)
    except OSError:
        return ""  # gone, or a file system without links: it is copied
    progress(file, file.size)
    return digest


def hash_in_place(
    file: ContextFile, source: Path, reuse: Reuse, progress: Progress, *, known: str | None = None
) -> str:
    """Return the hash of a file that stays where it is, without reading it where it is known."""
    with explained(source):
        known = known or reuse.known.find(source, source.stat())
        if known is not None and file.sha256 in {"", known}:
            progress(file, file.size)
            return known
        with open_raw(source) as reader:
            before = os.fstat(reader.fileno())
            return _read(file, source, reader, before=before, write=_drop, reuse=reuse, progress=progress)


def _copy(file: ContextFile, source: Path, target: Path, reuse: Reuse, progress: Progress) -> str:
    """Copy and hash in one pass, so that the hash is of the very bytes that were written."""
    with open_raw(source) as reader, target.open("xb", buffering=0) as writer:
        before = os.fstat(reader.fileno())  # so that a change after the clone shows
        cloned = file.size >= SMALLEST and share_blocks(reader, writer)
        write = _drop if cloned else lambda chunk: _write_all(writer, chunk)
        return _read(file, source, reader, before=before, write=write, reuse=reuse, progress=progress)


def _drop(chunk: memoryview) -> None:
    del chunk


def _read(
    file: ContextFile,
    source: Path,
    reader: FileIO,
    *,
    before: os.stat_result,
    write: Callable[[memoryview], object],
    reuse: Reuse,
    progress: Progress,
) -> str:
    """Hash what is read and pass it on, and remember the hash."""
    state = reuse.known.state(source, before)
    digest = copy_and_hash(file, source, reader, before=before, write=write, progress=progress)
    reuse.known.remember(state, digest)
    return digest


def _write_all(writer: BinaryIO, chunk: memoryview) -> None:
    # A raw file may take less than it was given, on a disk that fills up for one.
    while chunk:
        chunk = chunk[writer.write(chunk) :]
