"""Say which paths a context may hold: those that name the same file below it on every system."""

from __future__ import annotations

import re


def wrong_path(path: str) -> str:
    """Say what is wrong with a path below a folder, with slashes; nothing where it is right."""
    if not path.isprintable():
        return "is not printable UTF-8"
    if "\\" in path:
        return "holds a backslash, which some systems read as a folder"
    if re.match("[A-Za-z]:", path) or any(part in {"", ".", ".."} for part in path.split("/")):
        return "does not name a file below the folder"
    return ""
