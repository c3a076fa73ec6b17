"""Find modules of the project with the name of an installed one, of which the image can import only one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import splitext
from typing import TYPE_CHECKING, NamedTuple

from hatch_mlpackage.errors import Problem
from hatch_mlpackage.project.sources.environment import ImageEnvironment, standard_library
from hatch_mlpackage.project.sources.tree import MODULE_SUFFIXES, Packed

if TYPE_CHECKING:
    from hatch_mlpackage.project.sources.read import Import
    from hatch_mlpackage.project.sources.tree import Tree

SAME_NAME = "same-name"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Own:
    """A module or folder of the project that can be imported by one name: `place` is its path in the project.

    `is_package` is false for a folder without `__init__.py`, which gives way to any installed module. `is_first` says
    that it lies in the app root, where the image looks before it looks at what is installed.
    """

    name: str
    place: str
    is_package: bool
    is_first: bool


class _Installed(NamedTuple):
    """What is installed under a name, for messages; without `is_package` it is only a folder that packages share."""

    owner: str
    is_package: bool


def same_names(
    tree: Tree, files: Iterable[Packed], source_directory: str, environment: ImageEnvironment
) -> Iterator[Problem]:
    """Yield each module that hides an installed one, and each import of a module that an installed one hides."""
    packed = {file.path: file.shown for file in files if splitext(file.path)[1] in MODULE_SUFFIXES}
    later = _importable(packed, source_directory, is_first=False) if source_directory else {}
    for own in {**later, **_importable(packed, "", is_first=True)}.values():
        installed = _installed(own, environment)
        if installed and own.is_package and (own.is_first or not installed.is_package):
            yield Problem(
                where=own.place,
                what=f"`import {own.name}` gets this in the image, in every package, not the module of "
                f"{installed.owner}: {'the image looks here first' if own.is_first else 'that has no __init__.py'}.",
                fix="Rename it.",
                level="warning",
                code=SAME_NAME,
            )
        elif installed and installed.is_package and not tree.touches_path:
            yield from _hidden(own, installed, tree, source_directory)


def _importable(packed: dict[str, str], folder: str, *, is_first: bool) -> dict[str, _Own]:
    """Map the names that can be imported from a folder of the image to what they are in the project."""
    found: dict[str, _Own] = {}
    for path, shown in packed.items():
        place = PurePosixPath(path)
        inside = place.relative_to(folder).parts if place.is_relative_to(folder) else ()
        name = (inside or ("",))[0].partition(".")[0]
        if not name.isidentifier() or name == "__init__" or (name in found and found[name].is_package):
            continue
        is_file = len(inside) == 1
        top = shown if is_file else f"{PurePosixPath(shown).parents[len(inside) - 2]}/"
        has_init = str(PurePosixPath(folder, inside[0], "__init__.py")) in packed
        found[name] = _Own(name=name, place=top, is_package=is_file or has_init, is_first=is_first)
    return found


def _installed(own: _Own, environment: ImageEnvironment) -> _Installed | None:
    for one in environment.distributions.values():
        held = [name for name in one.modules or () if name.partition(".")[0] == own.name]
        if held:
            return _Installed(f"{one.name} {one.version}", own.name in held)
    # The worker has imported much of the standard library before it adds the app root to the path.
    in_python = own.name in standard_library(environment.python) and not own.is_first
    return _Installed(f"Python {environment.python}", is_package=True) if in_python else None


def _hidden(own: _Own, installed: _Installed, tree: Tree, source_directory: str) -> Iterator[Problem]:
    """Yield the first import that means a module of the project, and gets the installed one."""
    for file in tree.reached.values():
        for found in file.imports:
            if found.module.partition(".")[0] != own.name or found.level or not _is_meant(found, own, tree):
                continue
            why = "the image looks there before source-directory" if own.is_package else "that has an __init__.py"
            full = f"{source_directory}.{own.name}"
            other = f", or import it as {full}" if own.is_package and tree.is_packed(full) else ""
            yield Problem(
                where=f"{file.path}:{found.line}",
                what=f"`import {found.module}` gets the module of {installed.owner}, not {own.place}: {why}.",
                fix=f"Rename {own.place}{other}.",
                level="warning",
                code=SAME_NAME,
            )
            return


def _is_meant(found: Import, own: _Own, tree: Tree) -> bool:
    """Tell whether an import may mean the project's module; one of a folder has to name a module in it."""
    return own.is_package or any(tree.is_packed(name) for name in found.full_names if name != own.name)
