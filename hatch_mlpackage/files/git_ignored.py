"""Tell which files git ignores, without git: by every `.gitignore`, by `.git/info/exclude` and by what is tracked.

The user's own list for all repositories (`core.excludesFile`) does not count: the same files give the same context on
every machine. Without a repository, the files named `.gitignore` count all the same, so that an unpacked archive gives
what its checkout gives.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.git_index import tracked_paths
from hatch_mlpackage.files.git_patterns import Rule, as_read, read_rules
from hatch_mlpackage.files.parse import read_if_there
from hatch_mlpackage.files.tree import place_below

_IGNORE = ".gitignore"
_SHA256 = re.compile(r"(?im)^\s*objectformat\s*=\s*sha256")


def ignored_by_git(top: Path, root: Path) -> Callable[[Path], bool]:
    """Return a function that tells whether git ignores a file or folder below `top`, a folder of a project's `root`.

    It is asked about a folder before what is in it. Where git ignores `top` itself, only rules in the project count.
    Raises MLPackageError for a repository that cannot be read.
    """
    above = next((folder for folder in (top, *top.parents) if _is_repository(folder)), None)
    found = _Ignored(above) if above else None
    if found is None or any(map(found.is_ignored, _between(found.base, top))):
        found = _Ignored(root, has_git=False)
        if any(map(found.is_ignored, _between(root, top))):
            return lambda _: False
    return found.is_ignored


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists()


def _between(base: Path, top: Path) -> list[Path]:
    """Return the folders from below `base` down to `top`."""
    return [folder for folder in reversed((top, *top.parents)) if folder.is_relative_to(base) and folder != base]


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """The rules of one file, and the folder that its patterns start in."""

    base: Path
    rules: tuple[Rule, ...]


class _Ignored:
    """The rules of a repository, or of a folder without one, read as its folders are asked about."""

    def __init__(self, base: Path, *, has_git: bool = True) -> None:
        self.base = base
        self._git = _git_folder(base) if has_git else None
        self._layers: dict[Path, tuple[_Layer, ...]] = {}
        self._taken: dict[Path, bool] = {}
        self._owners: dict[Path, _Ignored] = {base: self}

    def is_ignored(self, path: Path) -> bool:
        """Tell whether git ignores a path; an ignored folder that has tracked files is not ignored itself."""
        owner = self._owner_of(path.parent)
        if owner is not self:
            return owner.is_ignored(path)
        self._taken[path] = self._taken.get(path.parent, False) or self._is_taken(path)
        return self._taken[path] and as_read(place_below(path, self.base)) not in self._tracked

    def _owner_of(self, folder: Path) -> _Ignored:
        """Return the rules that count in a folder: a repository in the repository has its own."""
        if folder not in self._owners:
            self._owners[folder] = _Ignored(folder) if _is_repository(folder) else self._owner_of(folder.parent)
        return self._owners[folder]

    def _is_taken(self, path: Path) -> bool:
        """Tell whether the last rule about a path is one that ignores it."""
        layers = [layer for layer in self._layers_of(path.parent) if layer.rules]
        is_folder = bool(layers) and path.is_dir() and not path.is_symlink()
        for layer in layers:
            place = as_read(place_below(path, layer.base))
            for rule in reversed(layer.rules):
                if rule.takes(place, is_folder=is_folder):
                    return not rule.is_negated
        return False

    def _layers_of(self, folder: Path) -> tuple[_Layer, ...]:
        """Return the files of rules that count in a folder, the most important one first."""
        if folder not in self._layers:
            above = self._layers_of(folder.parent) if folder != self.base else (self._of_the_clone,)
            place = folder / _IGNORE
            own = b"" if place.is_symlink() or place.is_dir() else _content(place)  # as git does
            self._layers[folder] = (_Layer(base=folder, rules=read_rules(own)), *above) if own else above
        return self._layers[folder]

    @cached_property
    def _of_the_clone(self) -> _Layer:
        content = _content(_common_folder(self._git) / "info/exclude") if self._git else b""
        return _Layer(base=self.base, rules=read_rules(content))

    @cached_property
    def _tracked(self) -> frozenset[str]:
        """Return the paths of the tracked files and of the folders above them."""
        if self._git is None:
            return frozenset()
        place, config = self._git / "index", _content(_common_folder(self._git) / "config")
        content = _content(place)
        try:
            tracked = tracked_paths(content, sha256=_is_sha256(config)) if content else ()
            paths = [as_read(path) for path in tracked]
        except (IndexError, ValueError) as error:
            raise _unreadable(place, str(error)) from None
        return frozenset(paths).union(path[: found.start()] for path in paths for found in re.finditer("/", path))


def _content(path: Path) -> bytes:
    try:
        return read_if_there(path) or b""
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None


def _is_sha256(config: bytes) -> bool:
    return _SHA256.search(config.decode("utf-8", "replace")) is not None


def _unreadable(path: Path, reason: str) -> MLPackageError:
    return MLPackageError(
        f"{path}: cannot be read, so that it is not known which files git ignores: {reason}.\n"
        "Correct it: `git status` shows whether git can read it; `git update-index --no-split-index` joins a split one."
    )


def _git_folder(base: Path) -> Path:
    """Return the folder of git's own files; in a worktree or submodule, `.git` is a file that names it."""
    place = base / ".git"
    return place if place.is_dir() else base / _named_in(place).removeprefix("gitdir:").strip()


def _common_folder(git: Path) -> Path:
    """Return the folder that the worktrees of a repository share."""
    return git / _named_in(git / "commondir")


def _named_in(place: Path) -> str:
    return os.fsdecode(_content(place)).strip()
