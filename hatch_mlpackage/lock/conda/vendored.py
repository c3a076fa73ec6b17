"""Compare the packages of a vendored channel with their lock."""

from __future__ import annotations

from pathlib import Path

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.hashing import hash_file


def proven_sha256(path: Path, expected: str) -> str:
    """Return a vendored package's hash, which no reader of `file://` compares with the channel's index or the lock.

    Raises LockError if the package cannot be read or has another hash.
    """
    try:
        found = hash_file(path)
    except OSError as error:
        raise LockError(f"{path}: the vendored package cannot be read: {error.strerror}.") from error
    if expected and found != expected:
        raise LockError(
            f"{path}: the vendored package is not the one that was asked for: its sha256 should be {expected}, "
            f"it is {found}. Restore the file, or index the channel anew and run `mlpackage lock`."
        )
    return found
