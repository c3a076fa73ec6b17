"""Hard links to the user's files: no copy and no space, and nothing of the file changes but its number of links.

A link shares mode, time and contents with the file. So a file is linked only when its mode is what a context needs; its
time, which no promise speaks of, stays its own; and whoever writes to the file writes to the context.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from hatch_mlpackage.files.known_hashes import KnownHashes
from hatch_mlpackage.files.read import real_path


class HardLinks:
    """Links the files of some layers; `warn` gets a text for each that has to be copied, with the reason."""

    def __init__(self, layers: frozenset[str], warn: Callable[[str], None]) -> None:
        self.layers = layers
        self._warn = warn
        self._made: list[tuple[Path, os.stat_result, str]] = []

    def place(self, source: Path, target: Path, mode: int) -> bool:
        """Make `target` a link to the file behind `source`, or tell why it cannot be one."""
        found = stat.S_IMODE(source.stat().st_mode)
        if found != mode:
            self._warn(f"{source}: copied, not linked: its mode is {found:04o}, and in a context it is {mode:04o}.")
            return False
        try:
            os.link(real_path(source), target)
        except OSError as error:
            self._warn(f"{source}: copied, not linked: {error.strerror}.")
            return False
        return True

    def made(self, source: Path, digest: str) -> None:
        self._made.append((source, source.stat(), digest))

    def remember(self, known: KnownHashes) -> None:
        """Keep the hashes: each link that is made or removed moves the file's change time, and nothing else."""
        for source, before, digest in self._made:
            known.remember_linked(source, before, digest)


def linked_to(files: Iterable[Path]) -> Callable[[os.stat_result], bool]:
    """Return what tells of a file's status whether it is one of these files under another name."""

    @cache
    def known() -> frozenset[tuple[int, int]]:
        found = (path.stat() for path in files if path.exists())
        return frozenset((status.st_dev, status.st_ino) for status in found)

    return lambda status: status.st_nlink > 1 and (status.st_dev, status.st_ino) in known()
