"""Remember the hashes of large files between runs, so that an unchanged model is not read again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.change_times import has_change_times
from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.files.partial import partial_file
from hatch_mlpackage.files.read import open_file, real_path
from hatch_mlpackage.files.resources import cache_directory

# A smaller file is hashed as fast as its hash is looked up.
SMALLEST = 1 << 20
# A file's real path, and what the file system says about it.
State = tuple[str, str]

_FILE = "hashes.json"
_MOST, _LARGEST = 10_000, 16 << 20  # files, and bytes of all
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
# Two writes in one tick of the file system's clock have one time, and FAT, the coarsest, counts in two seconds.
_SETTLED = 2 * 10**9
_UNLINKED = ("st_dev", "st_ino", "st_size", "st_mtime_ns")  # what a link leaves as it is
_SETTING = "MLPACKAGE_REUSE_HASHES"
_REUSED: dict[str, Callable[[Path], bool]] = {
    "never": lambda _: False,
    "local": has_change_times,
    "always": lambda _: True,
}


class KnownHashes:
    """Hashes of files, each valid as long as the file system says the same about the file.

    That is its device, inode, size, modification time and change time: every write moves the last of these. Two things
    could hide a write: a file system without such a time, which `trusts` tells, and a write in the same tick of the
    clock as the one before. So the hash of a file that was changed just now is not kept.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        trusts: Callable[[Path], bool] = has_change_times,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.path = path
        self._hashes = _read(path)
        self._changed = False
        self._trusts, self._now = trusts, now
        self._trusted: dict[int, bool] = {}  # by device

    def find(self, path: Path, status: os.stat_result) -> str | None:
        """Return the sha256 of a file that has not changed since it was hashed, else None."""
        if not self._may_know(path, status):
            return None
        place, values = _state(path, status)
        known, _, sha256 = self._hashes.get(place, "").rpartition("|")
        return sha256 if known == values else None

    def state(self, path: Path, status: os.stat_result) -> State | None:
        """Return the state that a hash is kept for, None where a later write might not show in it.

        `status` is taken just before the file is read: a change while it is read then shows, too.
        """
        is_kept = self._is_settled(status.st_ctime_ns) and self._may_know(path, status)
        return _state(path, status) if is_kept else None

    def remember(self, state: State | None, sha256: str) -> None:
        if state is not None:
            place, values = state
            self._hashes.pop(place, None)  # the newest are last
            self._hashes[place] = f"{values}|{sha256}"
            self._changed = True

    def remember_linked(self, path: Path, before: os.stat_result, sha256: str) -> None:
        """Keep the hash of a file whose change time our links have moved since it was in the state `before`.

        The time of its contents then shows whether anything else has changed it.
        """
        with contextlib.suppress(OSError):
            now = path.stat()
            is_same = all(getattr(now, value) == getattr(before, value) for value in _UNLINKED)
            if is_same and self._is_settled(now.st_mtime_ns) and self._may_know(path, now):
                self.remember(_state(path, now), sha256)

    def save(self) -> None:
        """Write the new hashes; a cache that cannot be written only costs time in a later run."""
        if not self._changed or self.path is None:
            return
        newest = dict(list(self._hashes.items())[-_MOST:])
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with partial_file(self.path.parent) as partial:  # which only its owner may write to
                partial.write_text(json.dumps(newest), encoding="ascii")
                partial.replace(self.path)

    def _is_settled(self, changed: int) -> bool:
        return self._now() - changed > _SETTLED

    def _may_know(self, path: Path, status: os.stat_result) -> bool:
        if status.st_size < SMALLEST:
            return False
        if status.st_dev not in self._trusted:
            self._trusted[status.st_dev] = self._trusts(path)
        return self._trusted[status.st_dev]


def open_known_hashes() -> KnownHashes:
    """Open the hashes in the user's cache folder; raise MLPackageError for a setting that there is not."""
    chosen = os.environ.get(_SETTING) or "local"
    if chosen not in _REUSED:
        raise MLPackageError(f"{_SETTING} is '{chosen}'. Write one of: {', '.join(_REUSED)}.")
    directory = cache_directory()
    return KnownHashes(directory / _FILE if directory else None, trusts=_REUSED[chosen])


def _state(path: Path, status: os.stat_result) -> State:
    values = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return str(real_path(path)), "|".join(map(str, values))


def _read(path: Path | None) -> dict[str, str]:
    """Read the hashes of earlier runs; there are none in a file that is damaged, or that others may have written."""
    if path is None:
        return {}
    try:
        with open_file(path) as file:
            status = os.fstat(file.fileno())
            found = parse_json(file.read()) if _is_ours(status) and status.st_size <= _LARGEST else {}
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    is_entry = re.compile(r"(?:-?[0-9]+\|){5}[0-9a-f]{64}").fullmatch
    return {place: value for place, value in found.items() if isinstance(value, str) and is_entry(value)}


def _is_ours(status: os.stat_result) -> bool:
    """Tell whether nobody else could have written a file; on Windows, the folder's own permissions see to that."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & _WRITABLE_BY_OTHERS
