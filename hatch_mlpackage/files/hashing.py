"""Hash files, and remember the hashes of large ones between runs, so that an unchanged model is not read again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.files.read import file_bytes, open_file, real_path
from hatch_mlpackage.files.replace import replace_text
from hatch_mlpackage.files.resources import cache_directory

# A smaller file is hashed as fast as its hash is looked up.
SMALLEST = 1 << 20
_MOST = 10_000
_FILE = "hashes.json"


def hash_file(path: Path, kind: str = "sha256") -> str:
    """Return the hash of a file as hex; raises OSError when it cannot be read."""
    with open_file(path) as file:
        return hashlib.file_digest(file, kind).hexdigest()


class KnownHashes:
    """Hashes of files, found by what the file system says about each file.

    A hash is valid only for the same path, inode, size, modification time and change time: every write moves the change
    time, and no program can set it back.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._hashes = _read(path)
        self._changed = False

    def find(self, path: Path, status: os.stat_result) -> str | None:
        """Return the sha256 of a file that has not changed since it was hashed, else None."""
        return self._hashes.get(_key(path, status)) if status.st_size >= SMALLEST else None

    def remember(self, path: Path, status: os.stat_result, sha256: str) -> None:
        if status.st_size >= SMALLEST:
            self._hashes[_key(path, status)] = sha256
            self._changed = True

    def save(self) -> None:
        """Write the new hashes; a cache that cannot be written only costs time in a later run."""
        if self._changed and self.path is not None:
            newest = dict(list(self._hashes.items())[-_MOST:])
            with contextlib.suppress(OSError):
                replace_text(self.path, json.dumps(newest))


def open_known_hashes() -> KnownHashes:
    """Open the hashes in the user's cache folder."""
    directory = cache_directory()
    return KnownHashes(directory / _FILE if directory else None)


def _key(path: Path, status: os.stat_result) -> str:
    values = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return f"{real_path(path)}|{'|'.join(map(str, values))}"


def _read(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        found = parse_json(file_bytes(path))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}
