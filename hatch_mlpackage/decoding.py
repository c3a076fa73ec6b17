"""Text files in the encodings that people save them in."""

from __future__ import annotations

import codecs

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decode(content: bytes) -> str:
    """Decode as UTF-8, or UTF-16 where a byte order mark says so: PowerShell's `pip freeze >` writes that."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding)
    return content.decode("utf-8")
