"""Hash a file's bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path


def hash_file(path: Path, kind: str = "sha256") -> str:
    """Return the hash of a file as hex; raises OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()
