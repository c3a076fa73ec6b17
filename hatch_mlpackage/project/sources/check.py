"""Check the entry script and what it imports against what the image will have, from their text alone.

An uncertain finding is a warning or a hint, never an error, so that a sound project does not fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.project.sources.imports import (
    relative_imports,
    unlocked_imports,
    unpacked_modules,
    unused_requirements,
)
from hatch_mlpackage.project.sources.opened import unpacked_files, unpickles, unpickling
from hatch_mlpackage.project.sources.retired import retired_imports
from hatch_mlpackage.project.sources.same_names import same_names
from hatch_mlpackage.project.sources.tree import Packed, read_tree
from hatch_mlpackage.project.sources.unparsed import unparsed_sources

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problem
    from hatch_mlpackage.project.sources.environment import ImageEnvironment


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Hold what to check: the packed files, by their paths below the app root in the image.

    `entry` and `source_directory` are such paths too; the latter may be empty. `python` is the image's, as X.Y.
    `models` maps a model's path in the project to its path below the image's model folder. `asked` maps a requirement
    to where it is declared. `needed` are the requirements that other packages need too.
    """

    root: Path
    files: tuple[Packed, ...]
    entry: str
    source_directory: str
    python: str
    models: Mapping[str, str]
    asked: Mapping[str, str]
    needed: frozenset[str]


def check_sources(sources: Sources, environment: ImageEnvironment | None) -> tuple[Problem, ...]:
    """Return what is wrong or worth knowing; without an environment, only what does not depend on one."""
    tree = read_tree(sources.files, sources.entry, sources.source_directory, sources.python)
    alone = (
        *unparsed_sources(tree),
        *relative_imports(tree, sources.root),
        *unpacked_modules(tree, sources.root),
        *unpacked_files(tree, (file.path for file in sources.files), sources.root, sources.models),
    )
    if environment is None:
        return alone
    return (
        *unlocked_imports(tree, environment, sources.root),
        *retired_imports(tree, environment),
        *same_names(tree, sources.files, sources.source_directory, environment),
        *alone,
        *unpickling(tree, environment),
        # A pickled model may need packages that no source imports.
        *(() if unpickles(tree) else unused_requirements(tree, environment, sources.asked, sources.needed)),
    )
