"""Write beside a destination, and remove what runs that were killed left there, but not what a living one writes."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from hatch_mlpackage.files.interrupts import interrupts_wait
from hatch_mlpackage.files.lock import lock

PARTIAL, REPLACED = ".partial", ".replaced"
# O_NONBLOCK: a pipe with such a name would be waited for. O_NOFOLLOW: a link leads to what is not ours.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC"))


def beside(destination: Path, suffix: str) -> list[Path]:
    """Return what has a name that a run for this destination gives: a dot, the name, hex digits and the suffix."""
    found = destination.parent.glob(f".{glob.escape(destination.name)}.*{suffix}")
    ours = re.compile(rf"\.{re.escape(destination.name)}\.[0-9a-f]+{re.escape(suffix)}")
    return [path for path in found if ours.fullmatch(path.name)]


def claim(path: Path) -> int | None:
    """Lock a file or a folder for as long as this process lives, and return its descriptor.

    The result is None where another process has it, where it is neither, or where the system has no such lock.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return None
    mode = os.fstat(descriptor).st_mode
    if (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def remove_dead(destination: Path, remove: Callable[[Path], object]) -> None:
    """Remove what dead runs left half-written for a destination."""
    for partial in beside(destination, PARTIAL):
        claimed = claim(partial)
        if claimed is not None:  # otherwise a living run is writing there
            remove(partial)
            os.close(claimed)


@contextlib.contextmanager
def partial_folder(destination: Path) -> Iterator[Path]:
    """Make a folder on the destination's own file system; remove it, unless it was moved, whatever happens.

    First remove those that dead runs left for the same destination.
    """
    # Named before it is made: an interrupt at any moment finds it.
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(8)}{PARTIAL}")
    claimed = None
    try:
        remove_dead(destination, remove_folder)
        partial.mkdir(mode=0o700)
        claimed = claim(partial)
        yield partial
    finally:
        with interrupts_wait():  # a second Ctrl-C must not leave half of it
            remove_folder(partial)
        if claimed is not None:
            os.close(claimed)


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
