"""Watch the files of a service for changes, for `serve --reload`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from hatch_mlpackage.serve.watched import Watched

_PAUSE = 0.5  # seconds between looks at the files
_SKIPPED = frozenset({"__pycache__", "node_modules"})
_LOGS = ".log"
_OUTPUTS = (1, 2)  # the descriptors of our standard output and error, which the server has too


def wait_for_change(watched: Watched, before: dict[str, int], *, meanwhile: Callable[[], object] = lambda: None) -> str:
    """Wait until what is watched differs from the snapshot `before`, and return the name of a file that does."""
    while (now := snapshot(watched)) == before:
        meanwhile()
        time.sleep(_PAUSE)
    return min(name for name, _ in now.items() ^ before.items())


def snapshot(watched: Watched) -> dict[str, int]:
    """Map each watched file to its modification time in nanoseconds.

    A file that receives our own output is left out: every start would change it.
    """
    own = frozenset(_own_outputs())
    files = (*(file for path in watched.whole for file in _files(path)), *_code(watched))
    return {str(path): stamp for path in files for stamp in _stamp(path, own)}


def _code(watched: Watched) -> Iterator[Path]:
    return (path for folder in watched.code for path in _files(folder) if _is_code(path))


def _is_code(path: Path) -> bool:
    return path.suffix == ".py" or path.name == "logging.json"


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for directory, folders, files in os.walk(path):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        yield from (Path(directory, name) for name in files if not name.endswith(_LOGS))


def _own_outputs() -> Iterator[tuple[int, int]]:
    for descriptor in _OUTPUTS:
        with suppress(OSError):  # closed
            found = os.fstat(descriptor)
            yield found.st_dev, found.st_ino


def _stamp(path: Path, own: frozenset[tuple[int, int]]) -> Iterator[int]:
    with suppress(OSError):  # removed in the meantime, or an editor's lock, a link that leads nowhere
        found = path.stat()
        if (found.st_dev, found.st_ino) not in own:
            yield found.st_mtime_ns
