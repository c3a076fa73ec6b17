"""Put files where they are served: what a script writes there changes neither the user's files nor a context."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hatch_mlpackage.errors import MLPackageError, explained
from hatch_mlpackage.files.read import open_file
from hatch_mlpackage.files.share_blocks import share_blocks

_BIG = 1 << 28  # bytes, of which a copy takes a moment
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    """A copy, as it was when it was made, of a source as it was then."""

    source: tuple[int, ...]
    target: Path
    copy: tuple[int, ...]


class Copies:
    """Make copies of files, and use those of an earlier layout again: `serve --reload` copies a big model once."""

    def __init__(self, report: Callable[[str], object] = lambda _: None) -> None:
        self._report = report
        self._placed: dict[Path, _Placed] = {}

    def place(self, files: Iterable[tuple[Path, Path]], top: Path) -> None:
        """Place each source at its target below `top`; raise MLPackageError where there is no room for that.

        A file system that can share blocks (btrfs, XFS) does, which takes no room. A file that this user cannot write
        to is linked, for nobody can change it by the link either.
        """
        with explained(top, MLPackageError):
            waiting = [(source, target) for source, target in files if not self._is_there(source, target, top)]
            self._require_room(sum(source.stat().st_size for source, _ in waiting), top)
            for source, target in waiting:
                before = _state(source)
                shutil.copyfile(source, target)
                target.chmod(_mode_of(source))
                self._placed[source] = _Placed(source=before, target=target, copy=_state(target))

    def _is_there(self, source: Path, target: Path, top: Path) -> bool:
        """Place a file without a copy of its bytes, if that is possible."""
        target.parent.mkdir(parents=True, exist_ok=True)
        return self._moved(source, target, top) or _cloned(source, target) or _linked(source, target)

    def _moved(self, source: Path, target: Path, top: Path) -> bool:
        """Move the copy of an earlier layout here, if neither it nor its source has changed since."""
        before = self._placed.get(source)
        if before is None or before.target.is_relative_to(top) or not before.target.exists():
            return False
        if before.source != _state(source) or before.copy != _state(before.target):
            return False
        before.target.replace(target)
        self._placed[source] = _Placed(source=before.source, target=target, copy=before.copy)
        return True

    def _require_room(self, size: int, top: Path) -> None:
        free = shutil.disk_usage(top).free
        if size > free:
            raise MLPackageError(
                f"{top}: has {free // _MB} MB left, and a copy of what is served takes {size // _MB} MB. Name a folder "
                "with more room in TMPDIR; or make the model read-only (chmod a-w), and it is linked instead of copied."
            )
        if size >= _BIG:
            self._report(f"Copying {size // _MB} MB of models and sources to serve them from there")


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _mode_of(source: Path) -> int:
    return 0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644


def _cloned(source: Path, target: Path) -> bool:
    """Share the blocks of the source, where system and file system can."""
    with suppress(OSError), open_file(source) as original, target.open("wb") as copy:
        if share_blocks(original, copy):
            target.chmod(_mode_of(source))
            return True
    target.unlink(missing_ok=True)
    return False


def _linked(source: Path, target: Path) -> bool:
    """Make a hard link of a file that this user cannot write to; root can write to every file."""
    if os.access(source, os.W_OK) or source.is_symlink():
        return False
    with suppress(OSError):  # another file system, or a system that keeps such files from being linked
        target.hardlink_to(source)
        return True
    return False
