"""Find imports that fail in the image, and requirements that nothing imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Level, Problem
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.project.sources.environment import (
    BACKPORTS,
    ImageEnvironment,
    added_after,
    is_well_known,
    likely_distributions,
)
from hatch_mlpackage.project.sources.own_modules import (
    above_the_sources,
    how_to_reach,
    left_out,
    name_of,
    of_the_project,
)
from hatch_mlpackage.project.sources.retired import is_retired
from hatch_mlpackage.project.sources.tree import absolute_names

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
            if not _is_there(found, tree, environment):
                seen.add(distribution)
                yield _unlocked(file, found, tree, environment, root)


def _is_there(found: Import, tree: Tree, environment: ImageEnvironment) -> bool:
    """Tell whether an import works in the image, or fails in a way that has a message of its own."""
    if tree.holds(found.module) or is_retired(found.module, environment):
        return True
    newer = (name for name in found.full_names if added_after(environment.python, name))
    return environment.provides(found.module) and all(map(environment.provides, newer))


def _unlocked(file: SourceFile, found: Import, tree: Tree, environment: ImageEnvironment, root: Path) -> Problem:
    module, where = found.module, f"{file.path}:{found.line}"
    own = of_the_project(found, file, root)
    if own:
        fix = how_to_reach(own, tree)
        what = f"`import {module}`: {own} is in the project, but not where the image looks for modules."
        return Problem(where=where, what=what, fix=fix, level=_level(found, sure=not tree.touches_path), code=UNLOCKED)
    top, level = module.partition(".")[0], _level(found, sure=environment.is_known and not tree.touches_path)
    first = next(filter(None, (added_after(environment.python, name) for name in found.full_names)), "")
    if first:
        what = f"`{_written(found)}`: Python has it from {first} on, and the image has {environment.python}."
        backport = f"Add {top} to the requirements, or choose" if top in BACKPORTS else "Choose"
        return Problem(where=where, what=what, fix=f"{backport} a newer python-version.", level=level, code=UNLOCKED)
    fix = f"Add {likely_distributions(module)[0]} to the requirements and run `mlpackage lock`."
    if level == "error" or environment.is_known or is_well_known(module):
        what = f"`import {module}`: no locked package has it."
        return Problem(where=where, what=what, fix=fix, level=level, code=UNLOCKED)
    what = f"`import {module}`: no locked package is known to have it."
    return Problem(where=where, what=what, fix=fix, level="hint", code=UNLOCKED)


def _level(found: Import, *, sure: bool) -> Level:
    return "error" if sure and found.when == "always" else "warning"


def unpacked_modules(tree: Tree, root: Path) -> Iterator[Problem]:
    """Yield the first import of each module that a packed package has in the project, but not in the image."""
    seen: set[str] = set()
    for path, file in tree.reached.items():
        for found in file.imports:
            module = next(iter(absolute_names(found, tree.packages[path])), "")
            own = left_out(module, tree, root) if found.when != "guarded" else ""
            if own and own not in seen:
                seen.add(own)
                yield Problem(
                    where=f"{file.path}:{found.line}",
                    what=f"`{_written(found)}`: {own} is in the project, but does not go into the image.",
                    fix=f"Do not exclude it; if git ignores it: include = [{toml_string(name_of(own))}].",
                    level=_level(found, sure=not tree.touches_path),
                    code=UNLOCKED,
                )


def relative_imports(tree: Tree, root: Path) -> Iterator[Problem]:
    """Yield the relative imports that fail: those of the entry script, and those that lead above a top-level module."""
    for path, file in tree.reached.items():
        is_script = path == tree.entry
        depth = len(tree.packages[path].split(".")) if tree.packages[path] else 0
        for found in file.imports:
            if found.when == "guarded" or found.level <= (0 if is_script else depth):
                continue
            why = "the server loads the entry script outside any package"
            if not is_script:
                why = (
                    f"it leads above {tree.packages[path] or 'the module'}, which is at the top of the image's sources"
                )
            yield Problem(
                where=f"{file.path}:{found.line}",
                what=f"`{_written(found)}`: {why}.",
                fix=_how_to_name(found, file, tree, root),
                level=_level(found, sure=True),
                code=RELATIVE,
            )


def _how_to_name(found: Import, file: SourceFile, tree: Tree, root: Path) -> str:
    """Say how to import by name what a relative import is meant to find."""
    own = above_the_sources(found, file, root)
    if own:
        return how_to_reach(own, tree, by_name=False)
    return "Import by the name that the module has below source-directory."


def _written(found: Import) -> str:
    """Return an import as it stands in the file."""
    if not found.names and not found.level:
        return f"import {found.module}"
    return f"from {'.' * found.level}{found.module} import {', '.join(found.names) or '*'}"


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
