"""Read files that may be missing."""

from __future__ import annotations

from pathlib import Path


def read_if_there(path: Path) -> bytes | None:
    """Return a file's bytes, None where there is no such file; raise OSError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def text_of(content: bytes | None) -> str | None:
    """Decode UTF-8, and None as None; undecodable bytes become U+FFFD, so that a check of the text finds the damage."""
    return None if content is None else content.decode("utf-8", "replace")
