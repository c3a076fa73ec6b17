"""Replace files by complete new ones: a reader sees the old or the new text, and never a part of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write a text to a file, making its folder; the old file stays until the new one is complete."""
    replace_texts({path: text})


def replace_texts(texts: Mapping[Path, str]) -> None:
    """Write several files; each lies complete beside its place before the first old file is replaced."""
    mark = secrets.token_hex(4)
    partials = {path: path.with_name(f".{path.name}.{mark}.partial") for path in texts}
    try:
        for path, partial in partials.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(texts[path].encode())
        for path, partial in partials.items():
            partial.replace(path)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)
