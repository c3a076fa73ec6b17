"""Read the beginning of a file of any size."""

from __future__ import annotations

from pathlib import Path


def read_head(path: Path, size: int) -> bytes:
    """Return at most `size` bytes of a file, without reading on; empty where it cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(size)
    except OSError:
        return b""
