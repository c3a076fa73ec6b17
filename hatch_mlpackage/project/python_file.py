"""Read `.python-version`, in which pyenv, uv and others keep the Python of a folder."""

from __future__ import annotations

import re
from pathlib import Path

from hatch_mlpackage.files.parse import decode
from hatch_mlpackage.files.read import file_bytes

PYTHON_VERSION = ".python-version"
_VERSION = re.compile(
    r"(?:(?:cpython|python)[-@]?)?(?P<version>\d+\.\d+)(?:\.\d+\w*|(?:a|b|rc)\d+)?(?:-.*)?", re.IGNORECASE
)


def read_python_version(root: Path) -> tuple[str, str]:
    """Return the `X.Y` that the first line of the file names, and what the line is where it names none of CPython.

    Both are empty without a file.
    """
    try:
        text = decode(file_bytes(root / PYTHON_VERSION))
    except (OSError, UnicodeDecodeError):
        return "", ""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    first = next(filter(None, lines), "")
    found = _VERSION.fullmatch(first)
    return (found["version"], "") if found else ("", first)
