"""Read the beginning of a file of any size."""

from __future__ import annotations

from pathlib import Path

from hatch_mlpackage.files.read import open_raw


def read_head(path: Path, size: int) -> bytes:
    """Return at most `size` bytes of a file, without reading on; empty where it cannot be read."""
    try:
        with open_raw(path) as file:
            return file.read(size)
    except OSError:
        return b""
