"""Find the merge-conflict markers that version control leaves in a text that it cannot merge."""

from __future__ import annotations

import re

_MARKER = re.compile(r"(?m)^(?:<{7}|={7}|>{7}|\|{7})(?:\s|$)")


def merge_conflict(text: str) -> str:
    """Name the first line that is a merge-conflict marker; return nothing where there is none."""
    marker = _MARKER.search(text)
    return f"line {text.count(chr(10), 0, marker.start()) + 1} is a merge-conflict marker" if marker else ""
