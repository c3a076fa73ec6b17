"""Tell what a wheel makes importable, by the names of its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

_SUFFIXES = frozenset({".py", ".so", ".pyd"})
_UNPACKED = frozenset({"purelib", "platlib"})  # folders of NAME-VERSION.data that are installed into site-packages


def modules_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the importable names: packages and modules, dotted below folders without an `__init__.py`.

    Such a folder is a namespace that distributions share: `google/auth/__init__.py` gives `google.auth`.
    """
    files = {place for name in names if (place := _place(PurePosixPath(name))).suffix in _SUFFIXES}
    packages = {file.parent for file in files if file.stem.partition(".")[0] == "__init__"}
    tops = {_top(file, packages) for file in files}
    return tuple(sorted(".".join(top.parts) for top in tops if all(part.isidentifier() for part in top.parts)))


def _place(path: PurePosixPath) -> PurePosixPath:
    """Return where a wheel's file is installed, relative to site-packages."""
    parts = path.parts
    inside = parts[:1] and parts[0].endswith(".data") and len(parts) > 1 and parts[1] in _UNPACKED
    return PurePosixPath(*parts[2:]) if inside else path


def _top(file: PurePosixPath, packages: set[PurePosixPath]) -> PurePosixPath:
    """Return the outermost package above a file, or the file as a module."""
    above = next((folder for folder in _outermost_first(file) if folder in packages), None)
    return above or file.with_name(file.name.partition(".")[0])


def _outermost_first(file: PurePosixPath) -> Iterator[PurePosixPath]:
    yield from (folder for folder in reversed(file.parents) if folder.name)
