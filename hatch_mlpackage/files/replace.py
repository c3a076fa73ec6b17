"""Replace files by whole new ones: whoever reads one meanwhile sees the old or the new text, never half of one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write a text to a file and make its folder; the file that was there stays until the new one is whole."""
    replace_texts({path: text})


def replace_texts(texts: Mapping[Path, str]) -> None:
    """Write several files as one: all lie beside their places, whole, before the first is replaced."""
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
