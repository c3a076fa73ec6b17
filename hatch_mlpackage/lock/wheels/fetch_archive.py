"""Fetch one file from a package index, as a program that `archives.py` starts and no module imports.

The session is pip's, so that the index gets the credentials, certificates and proxies of pip's settings, and pip itself
is not used: its `download` runs the code of a source archive to learn what it needs.

The arguments are the URL and the path of the new file.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from piptools.repositories import PyPIRepository

_PART = 1 << 20  # bytes


def fetch(url: str, path: Path) -> None:
    with TemporaryDirectory() as cache:
        session = PyPIRepository([], cache_dir=cache).session
        with session.get(url, stream=True, headers={"Accept-Encoding": "identity"}) as answer, path.open("wb") as file:
            answer.raise_for_status()
            for part in answer.iter_content(_PART):
                file.write(part)


if __name__ == "__main__":
    fetch(sys.argv[1], Path(sys.argv[2]))
