"""Find the files that a configuration names: first where the original looked, then from other folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.files.quoting import shown_word
from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.config.keys import leads_outside

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.shapes import Given

BRING_IN = "copy it into the project, or make a link to it there, and name that"


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The folders of the project (`root`), of the user (`here`) and of the configuration file (`beside`).

    With `from_file`, paths count from the configuration file, and none but the script's from the source directory, as
    in Azure ML v2. `base` is the folder from which all paths of the configuration hold, if there is one; `better_root`
    is a project folder that holds all files, where `root` does not.
    """

    root: Path
    here: Path
    beside: Path
    from_file: bool = False
    base: Path | None = None
    better_root: Path | None = None

    @property
    def first(self) -> Path:
        """Return the folder where the original looked."""
        return self.beside if self.from_file else self.here

    @property
    def bases(self) -> tuple[Path, ...]:
        """Return the folders that paths may be relative to, the likeliest first."""
        return tuple(dict.fromkeys(filter(None, (self.base, self.first, self.here, self.beside, self.root))))

    @property
    def better_project(self) -> str:
        """Return the flag that chooses the better project folder, or the empty string."""
        if self.better_root is None:
            return ""
        return f"--project {shown_word(os.path.relpath(self.better_root, self.here).replace(os.sep, '/'))}"

    def from_root(self, path: Path) -> str:
        """Return a path as `[tool.mlpackage]` writes it, relative to the project and with links as they are."""
        return PurePosixPath(os.path.relpath(path, self.root).replace(os.sep, "/")).as_posix()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file or folder; `path` is relative to the project, and empty outside of it; `note` is for the report."""

    place: Path
    path: str
    note: str = ""


def settled(places: Places, source: str, files: Iterable[str]) -> Places:
    """Choose the folder from which all paths hold; where the project lacks a file, find the folder that has them all.

    `files` are relative to the folder `source` or to the same folder as that one.
    """
    wanted = [_spelt(file) for file in files]
    for root in dict.fromkeys((places.root, *_upwards(places.here), *_upwards(places.beside))):
        for base in replace(places, root=root).bases:
            held = _held(base, _spelt(source), wanted)
            if held is not None and all(place.is_relative_to(root) for place in held):
                return replace(places, base=base) if root == places.root else replace(places, better_root=root)
    return places


def _upwards(folder: Path) -> tuple[Path, ...]:
    """Return a folder and those that hold it, except the root of the file system."""
    return (folder, *folder.parents)[:-1]


def _held(base: Path, source: str, files: Iterable[str]) -> list[Path] | None:
    """Return the places of all files, of which models may be folders, or None where one is missing."""
    folder = _in(Path.is_dir, base, source) if source else base
    if folder is None:
        return None
    found = [_in(Path.exists, folder, file) or _in(Path.exists, base, file) for file in files]
    held = [place for place in found if place is not None]
    return [folder, *held] if len(held) == len(found) else None


def find(
    given: Given[str],
    places: Places,
    problems: Problems,
    *,
    source: Path | None = None,
    is_folder: bool = False,
    is_model: bool = False,
) -> Found | None:
    """Look in the source directory, then in the folders that paths may be relative to; report a missing file.

    Never resolves links, so that a link in the project can bring in a file from outside.
    """
    wanted = _spelt(given.value)
    kind = Path.exists if is_model else Path.is_dir if is_folder else Path.is_file
    first = source or places.first
    bases = tuple(dict.fromkeys(filter(None, (source, *places.bases))))
    for base in bases:
        place = _in(kind, base, wanted)
        if place:
            path = places.from_root(place)
            is_first = place == Path(os.path.normpath(first / wanted))
            note = "" if is_first else f"found in {_shown(base)}; the original looked {_where(wanted, first)} alone"
            return Found(place=place, path="" if leads_outside(path) else path, note=note)
    noun = "file or folder" if is_model else "folder" if is_folder else "file"
    what = f"{given.key} names '{given.value}', and there is no such {noun}."
    problems.add(given.where, what, whole_project(places) or _hint(kind, bases, wanted))
    return None


def _where(wanted: str, folder: Path) -> str:
    return f"for {wanted}" if wanted.startswith("/") else f"in {_shown(folder)}"


def whole_project(places: Places) -> str:
    """Return the next step where another project folder holds all files, or the empty string."""
    return f"Give {places.better_project}: all files of the configuration are there." if places.better_project else ""


def _spelt(path: str) -> str:
    return path.replace("\\", "/").strip()


def _in(kind: Callable[[Path], bool], base: Path, wanted: str) -> Path | None:
    """Return the file or folder of a path; an absolute path that is not on this machine counts from the base."""
    for path in dict.fromkeys((wanted, wanted.lstrip("/"))) if wanted.isprintable() else ():
        place = Path(os.path.normpath(base / path))
        if path and _is(kind, place):
            return place
    return None


def _is(kind: Callable[[Path], bool], place: Path) -> bool:
    try:
        return kind(place)
    except OSError:  # a name too long for a file
        return False


def _hint(kind: Callable[[Path], bool], bases: tuple[Path, ...], wanted: str) -> str:
    name = PurePosixPath(wanted).name if wanted.isprintable() else ""
    for base in bases if name and name != wanted else ():
        if _is(kind, base / name):
            return f"Write '{name}': there is one in {_shown(base)}."
    folder = (bases[0] / wanted).parent if name else bases[0]
    siblings = sorted(_siblings(folder))
    looked = ", ".join(map(_shown, bases))
    close = did_you_mean(name, siblings, folder=wanted.removesuffix(name))
    return close or f"Correct the path, or put it there: it was looked for in {looked}."


def _siblings(folder: Path) -> Iterator[str]:
    if _is(Path.is_dir, folder):
        yield from (item.name for item in folder.iterdir())


def _shown(folder: Path) -> str:
    return folder.name or str(folder)
