"""Open files that a user, a lock or a manifest names; nothing else in the package opens such files.

Only a regular file is opened: a pipe without a writer would block for ever, and a device may never end. A path that no
file can have (a NUL, half a character) is an OSError like any other path without a file.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

NOT_REGULAR = "not a regular file"
# O_NONBLOCK: what was a file a moment ago may be a pipe now. The others are no default on Windows.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))


def open_raw(path: Path) -> io.FileIO:
    """Open a regular file for reading, without a buffer; raise OSError for anything else."""
    try:
        _require_regular(path, path.stat())
        descriptor = os.open(path, _FLAGS)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), ascii(str(path))) from None
    try:
        _require_regular(path, os.fstat(descriptor))
        return io.FileIO(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def open_file(path: Path) -> io.BufferedReader:
    """Open a regular file for reading; raise OSError for anything else."""
    return io.BufferedReader(open_raw(path))


def file_bytes(path: Path) -> bytes:
    with open_file(path) as file:
        return file.read()


def file_text(path: Path, errors: str = "strict") -> str:
    """Return a file's text, with lines that end in a line feed; raise OSError, or UnicodeDecodeError where strict."""
    with io.TextIOWrapper(open_file(path), encoding="utf-8", errors=errors) as file:
        return file.read()


def real_path(path: Path) -> Path:
    """Return a path without its links; a link onto itself, and a path that no file can have, lead no further."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps `..`


def _require_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
