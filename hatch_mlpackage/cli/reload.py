"""Watch files for changes, for `serve --reload`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_PAUSE = 0.5  # seconds between looks at the files
_SKIPPED = frozenset({"__pycache__", "node_modules"})


def wait_for_change(
    paths: Iterable[Path], before: dict[str, int], *, meanwhile: Callable[[], object] = lambda: None
) -> str:
    """Wait until a file at or below the paths differs from the snapshot `before`, and return its name."""
    watched = tuple(paths)
    while (now := snapshot(watched)) == before:
        meanwhile()
        time.sleep(_PAUSE)
    return min(name for name, _ in now.items() ^ before.items())


def snapshot(paths: Iterable[Path]) -> dict[str, int]:
    """Map each file at or below the paths to its modification time in nanoseconds."""
    return {name: stamp for path in paths for name, stamp in _stamps(path)}


def _stamps(path: Path) -> Iterator[tuple[str, int]]:
    if not path.is_dir():
        yield from _stamp_of_file(path)
        return
    for directory, folders, files in os.walk(path):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        for name in files:
            yield from _stamp_of_file(Path(directory, name))


def _stamp_of_file(path: Path) -> Iterator[tuple[str, int]]:
    try:
        yield str(path), path.stat().st_mtime_ns
    except OSError:  # removed in the meantime, or an editor's lock, a link that leads nowhere
        return
