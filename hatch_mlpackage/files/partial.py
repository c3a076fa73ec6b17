"""Hold a file that is still being written, and remove those whose writers were killed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hatch_mlpackage.files.lock import lock

SUFFIX = ".partial"


@contextmanager
def partial_file(folder: Path) -> Iterator[Path]:
    """Give an empty file in a folder, and remove it at the end unless it was moved; first remove abandoned ones.

    A writer holds a lock on its file for as long as it lives, which tells whether it was killed.
    """
    for path in folder.glob(f"*{SUFFIX}"):
        _remove_if_abandoned(path)
    path, claim = _claimed(folder)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        if claim is not None:
            os.close(claim)


def _claimed(folder: Path) -> tuple[Path, int | None]:
    while True:
        descriptor, name = tempfile.mkstemp(dir=folder, suffix=SUFFIX)
        if not lock(descriptor):  # the system has no such lock, and may not move a file that is open
            os.close(descriptor)
            return Path(name), None
        if Path(name).exists():
            return Path(name), descriptor
        os.close(descriptor)  # another writer took it for abandoned, before the lock


def _remove_if_abandoned(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        return
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            if lock(descriptor):
                path.unlink()
        finally:
            os.close(descriptor)
