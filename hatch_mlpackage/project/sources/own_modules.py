"""Find the modules of the project that its sources import and that do not go into the image."""

from __future__ import annotations

import os.path
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.project.sources.environment import is_well_known

if TYPE_CHECKING:
    from hatch_mlpackage.project.sources.read import Import, SourceFile
    from hatch_mlpackage.project.sources.tree import Tree


def of_the_project(found: Import, file: SourceFile, root: Path) -> str:
    """Return the path of a module or package that a script run in the project would find there, or ""."""
    top = found.module.partition(".")[0]
    for folder in dict.fromkeys((PurePosixPath(file.path).parent, PurePosixPath(), PurePosixPath("src"))):
        own = find_module(root, folder / top)
        if own and ((root / own).is_file() or _is_meant(found, PurePosixPath(own), root)):
            return own
    return ""


def _is_meant(found: Import, folder: PurePosixPath, root: Path) -> bool:
    """Tell whether an import means a folder without `__init__.py`, to which every installed package is preferred."""
    names = [name.split(".") for name in found.full_names]
    below = [folder / name[1] for name in names if len(name) > 1]
    return any(find_module(root, place) for place in below) if below else not is_well_known(found.module)


def find_module(root: Path, place: PurePosixPath) -> str:
    """Return the path of the module or package at a place without suffix, or "".

    A folder without an `__init__.py` is a package for Python where it holds modules.
    """
    for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if (root / path).is_file():
            return str(path)
    return str(place) if any(next((root / place).glob(files), None) for files in ("*.py", "*/*.py")) else ""


def left_out(module: str, tree: Tree, root: Path) -> str:
    """Return the path of a module that the project has in the folder of a packed package, but that is not packed."""
    package, _, name = module.rpartition(".")
    while package and package not in tree.folders:
        package, _, above = package.rpartition(".")
        name = f"{above}.{name}"
    if not package or tree.is_packed(module):
        return ""
    return find_module(root, PurePosixPath(tree.folders[package], *name.split(".")))


def name_of(own: str) -> str:
    """Return the pattern that names a module of the project by its file, or a package by its folder."""
    place = PurePosixPath(own)
    return (
        place.name
        if place.suffix and place.name != "__init__.py"
        else f"{place.parent.name if place.suffix else place.name}/"
    )


def above_the_sources(found: Import, file: SourceFile, root: Path) -> str:
    """Return the path in the project of the module that a relative import would find there, or ""."""
    folder = PurePosixPath(os.path.normpath(PurePosixPath(file.path).parent / ("../" * (found.level - 1))))
    names = (found.module.split("."),) if found.module else tuple((name,) for name in found.names)
    return next((path for name in names if (path := find_module(root, folder.joinpath(*name)))), "")


def how_to_reach(own: str, tree: Tree, *, by_name: bool = True) -> str:
    """Say how to import a module of the project, at `own`, in the image; `by_name` if the import is written so."""
    packed = tree.shown.get(own) or min((name for name, it in tree.folders.items() if it == own), key=len, default="")
    if packed:
        return f"In the image, import it as {packed}."
    place = PurePosixPath(own)
    folder = place.parent.parent if place.name == "__init__.py" else place.parent
    both = PurePosixPath(os.path.commonpath([folder, PurePosixPath(tree.script_path).parent]))
    taken = f'Take it along: source-directory = "{both}", a folder that also holds the entry script'
    name = ".".join(place.with_suffix("").relative_to(both).parts).removesuffix(".__init__")
    return f"{taken}." if by_name and both == folder else f"{taken}, and import it as {name}."
