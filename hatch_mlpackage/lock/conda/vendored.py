"""The packages of a vendored channel: what the context carries of them, each compared with its lock."""

from __future__ import annotations

from pathlib import Path

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.hashing import hash_file


def proven_sha256(path: Path, expected: str) -> str:
    """Hash a vendored package: nothing that reads `file://` compares it with what its channel or its lock says.

    Raises LockError when it cannot be read or is another one.
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
