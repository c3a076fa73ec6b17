"""Walk a folder of the user's, and know by name what is never part of a model or of sources."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from posixpath import splitext

from hatch_mlpackage.files.read import real_path

# Given the place of a file or folder below the top, with slashes, and its path.
Skip = Callable[[str, Path], bool]

# Histories (a cloned model carries its weights twice), and what desktops and editors keep beside the files.
_LITTER = frozenset(
    {
        *(".git", ".hg", ".svn", ".bzr", ".DS_Store", "Thumbs.db", "desktop.ini"),
        *(".idea", ".vscode", ".vs", ".fleet", ".zed", ".spyproject", ".ropeproject", ".settings", ".pydevproject"),
    }
)
_OF_EDITORS = (".sublime-project", ".sublime-workspace", ".code-workspace")

# Made by tools from the sources, different on every machine.
_DERIVED = frozenset(
    {
        "__pycache__",
        ".eggs",
        ".hypothesis",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        "node_modules",
    }
)


def is_litter(place: str, path: Path) -> bool:
    """Tell whether a file or folder is litter wherever it lies, in a model too."""
    del path
    name = place.rpartition("/")[2]
    edited = name.endswith("~") or name.startswith(".#") or (name.startswith(".") and name.endswith((".swp", ".swo")))
    return name in _LITTER or edited or name.endswith(_OF_EDITORS) or (name.startswith("#") and name.endswith("#"))


def is_derived(place: str, path: Path) -> bool:
    """Tell whether a file or folder is litter, or was made by a tool from sources."""
    return (
        is_litter(place, path)
        or place.rpartition("/")[2] in _DERIVED
        or splitext(place)[1] in {".pyc", ".pyo"}
        or (path.is_dir() and (path / "pyvenv.cfg").is_file())
    )


def place_below(path: Path, folder: Path) -> str:
    """Return the place of a path below a folder, with slashes; nothing where it lies elsewhere.

    With a model of many files, taking paths apart with pathlib would take as long as copying the files.
    """
    text, top = os.fspath(path), os.fspath(folder)
    if top == os.curdir:  # which pathlib leaves out of what lies below it
        place = "" if path.is_absolute() or text == top else text
    else:
        above = top.rstrip(os.sep) + os.sep
        place = text[len(above) :] if text.startswith(above) else ""
    return place.replace(os.sep, "/")


def _raise(folder: Path, error: OSError) -> None:
    del folder
    raise error


def walk(
    top: Path, skip: Skip, *, follow: bool = True, unreadable: Callable[[Path, OSError], object] = _raise
) -> Iterator[tuple[str, Path]]:
    """Yield the place and the path of every file below `top` that `skip` does not leave out.

    If `top` is a file, it has no place, and is the only one.

    Links are followed but never in a circle, or yielded themselves where `follow` is false. `unreadable` is given
    each folder that cannot be listed, and the error.
    """
    if not top.is_dir():
        yield "", top
        return
    pending = [("", top, frozenset[Path]())]
    while pending:
        place, folder, above = pending.pop()
        above |= {real_path(folder)}
        for path in _listed(folder, unreadable):
            below = f"{place}/{path.name}" if place else path.name
            if skip(below, path):
                continue
            if not path.is_dir() or (path.is_symlink() and not follow):
                yield below, path
            elif real_path(path) not in above:
                pending.append((below, path, above))


def _listed(folder: Path, unreadable: Callable[[Path, OSError], object]) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=attrgetter("name"))
    except OSError as error:
        unreadable(folder, error)
        return []
