"""Find the files that a configuration names: first where the original looked, then beside the configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.config.keys import leads_outside

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.shapes import Given

BRING_IN = "copy it into the project, or make a link to it there, and name that"


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The folders of the project (`root`), of the user (`here`) and of the configuration file (`beside`)."""

    root: Path
    here: Path
    beside: Path

    def from_root(self, path: Path) -> str:
        """Return a path as `[tool.mlpackage]` writes it, relative to the project and with links as they are."""
        return PurePosixPath(os.path.relpath(path, self.root).replace(os.sep, "/")).as_posix()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file or folder; `path` is relative to the project, and empty outside of it; `note` is for the report."""

    place: Path
    path: str
    note: str = ""


def find(
    given: Given[str], places: Places, problems: Problems, *, source: Path | None = None, is_folder: bool = False
) -> Found | None:
    """Look in the source directory or the current folder, then beside the configuration file; report a missing file.

    Never resolves links, so that a link in the project can bring in a file from outside.
    """
    wanted = given.value.replace("\\", "/").strip()
    kind = Path.is_dir if is_folder else Path.is_file
    first = source or places.here
    for base in _bases(places, source) if wanted.isprintable() else ():
        place = Path(os.path.normpath(base / wanted))
        if _is(kind, place):
            path = places.from_root(place)
            note = "" if base == first else f"found in {_shown(base)}; the original looked in {_shown(first)} alone"
            return Found(place=place, path="" if leads_outside(path) else path, note=note)
    noun = "folder" if is_folder else "file"
    problems.add(given.where, f"{given.key} names '{given.value}', and there is no such {noun}.", _hint(first, wanted))
    return None


def _is(kind: Callable[[Path], bool], place: Path) -> bool:
    try:
        return kind(place)
    except OSError:  # a name too long for a file
        return False


def _bases(places: Places, source: Path | None) -> Iterator[Path]:
    if source:
        yield source
    yield places.here
    yield places.beside


def _hint(base: Path, wanted: str) -> str:
    inside = wanted.lstrip("/")
    if wanted != inside and inside and inside.isprintable() and _is(Path.exists, base / inside):
        return f"Write '{inside}': there is one in {_shown(base)}."
    folder = (base / wanted).parent if wanted.isprintable() else base
    siblings = sorted(item.name for item in folder.iterdir()) if _is(Path.is_dir, folder) else []
    close = did_you_mean(PurePosixPath(wanted).name, siblings)
    return close or f"It was looked for in {_shown(base)} and beside the configuration file."


def _shown(folder: Path) -> str:
    return folder.name or str(folder)
