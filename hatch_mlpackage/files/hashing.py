"""Hash files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hatch_mlpackage.files.read import open_file


def hash_file(path: Path, kind: str = "sha256") -> str:
    """Return the hash of a file as hex; raises OSError when it cannot be read."""
    with open_file(path) as file:
        return hashlib.file_digest(file, kind).hexdigest()
