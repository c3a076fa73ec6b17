"""Write a context: beside its destination first, then into its place, so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from hatch_mlpackage.errors import ContextError, explained
from hatch_mlpackage.known_hashes import SMALLEST

if TYPE_CHECKING:
    from hatch_mlpackage.hard_links import HardLinks
    from hatch_mlpackage.known_hashes import KnownHashes
    from hatch_mlpackage.plan import ContextFile

DIRECTORY_MODE = 0o755
_PARTIAL = ".partial"
_REPLACED = ".replaced"
_CHUNK = 1 << 20
_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file, copy on write


class Progress(Protocol):
    """Told after each chunk how many bytes of which file were written."""

    def __call__(self, file: ContextFile, written: int) -> None: ...


Hashed = list[tuple["ContextFile", str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reuse:
    """What need not be written again: the earlier context, unedited, with the hash of each path in it.

    A file of the same hash is linked into the new context; `known` tells the hash of a source without reading it.
    """

    directory: Path
    hashes: Mapping[str, str]
    known: KnownHashes


def write_files(
    files: Iterable[ContextFile],
    destination: Path,
    *,
    seal: Callable[[Hashed], Iterable[ContextFile]],
    reason_to_keep: Callable[[Path], str],
    timestamp: int,
    reuse: Reuse,
    links: HardLinks,
    progress: Progress,
) -> None:
    """Write the files and what `seal` makes of their hashes, then put the folder in its place.

    `reason_to_keep` tells why the folder at the destination must not be replaced, or nothing; `timestamp` is given
    to every file and folder (seconds since 1970).
    Raises ContextError; whatever was at the destination is then as it was.
    """
    refuse_foreign(destination, reason_to_keep)
    with _beside(destination) as partial:
        hashed: Hashed = []
        twins: dict[tuple[str, int], Path] = {}
        for file in files:
            if file.named_context and isinstance(file.source, Path):
                hashed.append((file, _hash(file, file.source, reuse, progress)))
                continue
            digest = _link(file, partial, links, reuse, progress) or _write_file(
                file, partial, timestamp, reuse, progress
            )
            hashed.append((file, digest))
            _store_once(file, partial / file.path, digest, twins)
        for file in seal(hashed):
            _write_file(file, partial, timestamp, reuse, progress)
        _normalise_folders(partial, timestamp)
        _put_in_place(partial, destination)
    links.remember(reuse.known)
    reuse.known.save()


def refuse_foreign(destination: Path, reason_to_keep: Callable[[Path], str]) -> None:
    """Stop before anything that we did not make, or that the user has changed, would be replaced."""
    if not os.path.lexists(destination):
        return
    if destination.is_symlink() or not destination.is_dir():
        raise ContextError(f"{destination}: in the way and not a folder. Remove it, or choose another output.")
    reason = any(destination.iterdir()) and reason_to_keep(destination)
    if reason:
        raise ContextError(f"{destination}: {reason}. Move it away, or choose another output.")


@contextlib.contextmanager
def _beside(destination: Path) -> Iterator[Path]:
    """Make a folder on the destination's own file system; remove it whatever happens."""
    # Named before it is made: an interrupt at any moment finds it.
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(8)}{_PARTIAL}")
    claim = None
    try:
        with explained(destination):
            destination.parent.mkdir(parents=True, exist_ok=True)
            _clean_up_after_killed_runs(destination)
            partial.mkdir(mode=0o700)
        claim = _claim(partial)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if claim is not None:
            os.close(claim)


def _clean_up_after_killed_runs(destination: Path) -> None:
    """Bring back a context whose replacement was cut short, and remove what a dead run left half-written."""
    for replaced in _beside_it(destination, _REPLACED):
        if destination.exists():
            shutil.rmtree(replaced, ignore_errors=True)
        else:
            replaced.rename(destination)
    for partial in _beside_it(destination, _PARTIAL):
        claim = _claim(partial)
        if claim is not None:  # otherwise a living run is writing there
            shutil.rmtree(partial, ignore_errors=True)
            os.close(claim)


def _beside_it(destination: Path, suffix: str) -> list[Path]:
    return list(destination.parent.glob(f".{glob.escape(destination.name)}.*{suffix}"))


def _claim(partial: Path) -> int | None:
    """Lock a folder for as long as this process lives; None when another has it, or the system has no such lock."""
    try:
        import fcntl  # noqa: PLC0415 - POSIX only
    except ImportError:
        return None
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _link(file: ContextFile, partial: Path, links: HardLinks, reuse: Reuse, progress: Progress) -> str:
    """Link a file to the user's own, where that is asked for and can be; return its hash, or nothing."""
    source, target = file.source, partial / file.path
    if file.layer not in links.layers or isinstance(source, bytes):
        return ""
    with explained(target):
        before = source.stat()
        known = reuse.known.find(source, before) if before.st_size == file.size else None
        target.parent.mkdir(parents=True, exist_ok=True)
        if not links.place(source, target, file.mode):
            return ""
        if known is None or file.sha256 not in {"", known}:
            digest = _hash(file, source, reuse, progress)
        else:
            digest = known
            progress(file, file.size)
        links.made(source, digest)
    return digest


def _write_file(file: ContextFile, partial: Path, timestamp: int, reuse: Reuse, progress: Progress) -> str:
    target = partial / file.path
    with explained(target):
        if not target.parent.exists():
            target.parent.mkdir(parents=True)
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


def _store_once(file: ContextFile, target: Path, digest: str, twins: dict[tuple[str, int], Path]) -> None:
    """Let identical large files share their blocks, as models in several versions often do."""
    if file.size < SMALLEST:
        return
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
        if status.st_mtime_ns != timestamp * 10**9:
            return ""  # a hard link to a file of the user's, which must keep its own time
        os.link(earlier, target)
    except OSError:
        return ""  # gone, or a file system without links: it is copied
    progress(file, file.size)
    return digest


def _hash(file: ContextFile, source: Path, reuse: Reuse, progress: Progress) -> str:
    """Return the hash of a file that stays where it is, without reading it where it is known."""
    with explained(source):
        known = reuse.known.find(source, source.stat())
        if known is not None and file.sha256 in {"", known}:
            progress(file, file.size)
            return known
        with source.open("rb", buffering=0) as reader:
            return _read(file, source, reader, write=_drop, reuse=reuse, progress=progress)


def _copy(file: ContextFile, source: Path, target: Path, reuse: Reuse, progress: Progress) -> str:
    """Copy and hash in one pass, so that the hash is of the very bytes that were written."""
    with source.open("rb", buffering=0) as reader, target.open("xb", buffering=0) as writer:
        cloned = file.size >= SMALLEST and _clone(reader, writer)
        write = _drop if cloned else lambda chunk: _write_all(writer, chunk)
        return _read(file, source, reader, write=write, reuse=reuse, progress=progress)


def _drop(chunk: memoryview) -> None:
    del chunk


def _read(
    file: ContextFile,
    source: Path,
    reader: FileIO,
    *,
    write: Callable[[memoryview], None],
    reuse: Reuse,
    progress: Progress,
) -> str:
    """Hash what is read and pass it on; raise ContextError when it is not one file from beginning to end."""
    before = os.fstat(reader.fileno())
    digest, taken = hashlib.sha256(), 0
    buffer = memoryview(bytearray(min(_CHUNK, file.size + 1)))  # one more, to notice a file that grew
    while count := reader.readinto(buffer):
        digest.update(buffer[:count])
        write(buffer[:count])
        taken += count
        progress(file, count)
    after = os.fstat(reader.fileno())
    if taken != file.size or (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        raise ContextError(f"{source}: changed while it was read. Run again when nothing writes to it.")
    if file.sha256 not in {"", digest.hexdigest()}:
        raise ContextError(f"{source}: is not the file that was locked. Remove it, and run: mlpackage lock")
    reuse.known.remember(source, after, digest.hexdigest())
    return digest.hexdigest()


def _write_all(writer: BinaryIO, chunk: memoryview) -> None:
    # A raw file may take less than it was given, on a disk that fills up for one.
    while chunk:
        chunk = chunk[writer.write(chunk) :]


def _clone(reader: BinaryIO, writer: BinaryIO) -> bool:
    """Share the source's blocks where the file system can (Btrfs, XFS): no copy, no space."""
    try:
        import fcntl  # noqa: PLC0415 - POSIX only

        fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
    except (ImportError, OSError):
        return False
    return True


def _normalise_folders(top: Path, timestamp: int) -> None:
    """Give folders one mode and one time, the innermost first."""
    for directory, _, _ in os.walk(top, topdown=False):
        Path(directory).chmod(DIRECTORY_MODE)
        os.utime(directory, (timestamp, timestamp))


def _put_in_place(partial: Path, destination: Path) -> None:
    """Swap the folders by renaming; the old one comes back if the new one cannot go in."""
    replaced = partial.with_suffix(_REPLACED)
    with explained(destination):
        if destination.exists():
            destination.rename(replaced)
        try:
            partial.rename(destination)
        except OSError:
            if replaced.exists():
                replaced.rename(destination)
            raise
    shutil.rmtree(replaced, ignore_errors=True)
