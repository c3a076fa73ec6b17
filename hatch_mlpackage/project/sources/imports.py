"""Find imports that fail in the image, and requirements that nothing imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Level, Problem
from hatch_mlpackage.project.sources.environment import ADDED, ImageEnvironment, is_well_known, likely_distributions
from hatch_mlpackage.project.sources.retired import is_retired

if TYPE_CHECKING:
    from hatch_mlpackage.project.sources.read import Import, SourceFile
    from hatch_mlpackage.project.sources.tree import Tree

UNLOCKED, RELATIVE, UNUSED = "unlocked-import", "relative-import", "unused-requirement"


def unlocked_imports(tree: Tree, environment: ImageEnvironment, root: Path) -> Iterator[Problem]:
    """Yield the first import of each distribution that the image lacks, unless the code is ready for its failure.

    The message for a module of the project itself, below `root`, says how to pack it instead of what to install.
    """
    seen: set[str] = set()
    for file in tree.reached.values():
        for found in file.imports:
            distribution = likely_distributions(found.module)[0]
            if found.when == "guarded" or found.level or distribution in seen:
                continue
            if not (
                tree.holds(found.module) or environment.provides(found.module) or is_retired(found.module, environment)
            ):
                seen.add(distribution)
                yield _unlocked(file, found, tree, environment, root)


def _unlocked(file: SourceFile, found: Import, tree: Tree, environment: ImageEnvironment, root: Path) -> Problem:
    module, where = found.module, f"{file.path}:{found.line}"
    own = _of_the_project(module, file, root)
    if own:
        fix = _how_to_reach(own, tree)
        what = f"`import {module}`: {own} is in the project, but not where the image looks for modules."
        return Problem(where=where, what=what, fix=fix, level=_level(found, sure=not tree.touches_path), code=UNLOCKED)
    top, level = module.partition(".")[0], _level(found, sure=environment.is_known and not tree.touches_path)
    first = next((version for version, names in ADDED.items() if top in names.split()), "")
    if first:
        what = f"`import {module}`: Python has it from {first} on, and the image has {environment.python}."
        return Problem(where=where, what=what, fix="Choose a newer python-version.", level=level, code=UNLOCKED)
    fix = f"Add {likely_distributions(module)[0]} to the requirements and run `mlpackage lock`."
    if level == "error" or environment.is_known or is_well_known(module):
        what = f"`import {module}`: no locked package has it."
        return Problem(where=where, what=what, fix=fix, level=level, code=UNLOCKED)
    what = f"`import {module}`: no locked package is known to have it."
    return Problem(where=where, what=what, fix=fix, level="hint", code=UNLOCKED)


def _level(found: Import, *, sure: bool) -> Level:
    return "error" if sure and found.when == "always" else "warning"


def _of_the_project(module: str, file: SourceFile, root: Path) -> str:
    """Return the path of a module that a script run in the project would find there, or ""."""
    top = module.partition(".")[0]
    for folder in dict.fromkeys((PurePosixPath(file.path).parent, PurePosixPath(), PurePosixPath("src"))):
        for path in (folder / f"{top}.py", folder / top / "__init__.py"):
            if (root / path).is_file():
                return str(path)
    return ""


def _how_to_reach(own: str, tree: Tree) -> str:
    packed = tree.shown.get(own)
    if packed:
        return f"In the image, import it as {packed}."
    folder = PurePosixPath(own).parent
    folder = folder.parent if PurePosixPath(own).name == "__init__.py" else folder
    return f'Take it along: source-directory = "{folder}", a folder that also holds the entry script.'


def relative_imports(tree: Tree) -> Iterator[Problem]:
    """Yield the entry script's relative imports, which fail because the server loads it outside any package."""
    script = tree.reached.get(tree.entry)
    for found in script.imports if script else ():
        if found.level and found.when != "guarded":
            written = f"from {'.' * found.level}{found.module} import {', '.join(found.names)}"
            yield Problem(
                where=f"{script.path}:{found.line}" if script else "",
                what=f"`{written}`: the server loads the entry script outside any package.",
                fix="Import by the name that the module has below source-directory.",
                level=_level(found, sure=True),
                code=RELATIVE,
            )


def unused_requirements(
    tree: Tree, environment: ImageEnvironment, asked: Mapping[str, str], needed: frozenset[str]
) -> Iterator[Problem]:
    """Yield the requirements whose modules no reached source imports; `asked` maps their names to their places.

    Requirements with unknown modules, and those `needed` by others, are skipped.
    """
    imported = {name for path, file in tree.reached.items() for found in file.imports for name in found.full_names}
    for name, where in asked.items():
        held = environment.distributions[name].modules if name in environment.distributions else ()
        if held and name not in needed and not any(_uses(module, imported) for module in held):
            yield Problem(
                where=where,
                what=f"nothing that the entry script leads to imports {name} ({', '.join(held[:3])}).",
                fix="Remove it, unless something loads it by name.",
                level="hint",
                code=UNUSED,
            )


def _uses(module: str, imported: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") or module.startswith(f"{name}.") for name in imported)
