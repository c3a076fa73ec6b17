"""Find the requirements of a project: those of `[tool.mlpackage]`, or else what the project tells another tool.

The first place that names any counts. A note says which one that was, wherever there is more than one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.markers import Marker

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project.config.foreign_locks import refuse_foreign_lock
from hatch_mlpackage.project.config.keys import KEY, NO_PYLOCK, Config
from hatch_mlpackage.project.other_tools.asked import Asked
from hatch_mlpackage.project.other_tools.poetry import (
    DEPENDENCIES,
    left_out,
    names_dependencies,
    python_of_poetry,
    read_poetry,
)
from hatch_mlpackage.project.other_tools.setup_files import SETUP_CFG, SETUP_PY, names_in_setup_py, read_setup_cfg

if TYPE_CHECKING:
    from hatch_mlpackage.project.pyproject import Project

PROJECT = "project.dependencies"
PIPFILE, PYLOCK = "Pipfile", "pylock.toml"
_DYNAMIC = "tool.setuptools.dynamic"
_OF_TABLE = "dependencies, requirements, conda-file and pylock"
# What people call files that name packages; only a key of the table makes one of them count.
_UNNAMED = ("requirements*.txt", "requirements*.in", "environment*.y*ml", "conda*.y*ml", "pylock*.toml", "pixi.toml")
_NAME_THEM = f'Name them in [{KEY}]: dependencies = ["numpy>=1.26"], or requirements = ["requirements.txt"]'


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """The requirements of a project: those written in line, and files of them.

    `notes` say where they come from; `looked_at` are the places that were searched, `unnamed` the files of packages
    that nothing names; `pylock` is the lock to take the pins from where no key names one.
    """

    asked: tuple[Asked, ...] = ()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    looked_at: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    pylock: str | None = None


def find_requirements(config: Config, project: Project, problems: Problems) -> Named:
    """Return the requirements of the table, or those that the project names elsewhere; report what cannot be read."""
    if config.dependencies is not None or config.requirements:
        named = Named(asked=_listed(config.dependencies or (), f"{KEY}.dependencies"), looked_at=_keys(config))
    elif config.conda_file or config.user_managed_dependencies:
        named = Named(looked_at=_keys(config))
    else:
        named = _elsewhere(config, project, problems)
    if config.install_project:  # an installed project finds its dependencies, whatever else is named
        known = {asked.text for asked in named.asked}
        more = _listed(project.dependencies or (), PROJECT)
        named = replace(named, asked=(*named.asked, *(asked for asked in more if asked.text not in known)))
    return named


def _listed(texts: tuple[str, ...], where: str) -> tuple[Asked, ...]:
    return tuple(Asked(text=text, where=f"{where}[{index}]") for index, text in enumerate(texts))


def _keys(config: Config) -> tuple[str, ...]:
    files = [*config.requirements, *([config.conda_file] if config.conda_file else [])]
    return (*([f"dependencies in [{KEY}]"] if config.dependencies is not None else []), *files)


def _elsewhere(config: Config, project: Project, problems: Problems) -> Named:
    named = _first(config, project, problems)
    if config.pylock is not None:
        return named
    uses_uv = named.looked_at[-1] == f"[{PROJECT}]"
    lock = refuse_foreign_lock(project.root, problems, uses_uv=uses_uv)
    said = ""
    if lock:
        said = f'The pins are those of {lock}, beside pyproject.toml; pylock = "{NO_PYLOCK}" resolves them anew.'
    elif (project.root / PYLOCK).is_file():
        said = f'{PYLOCK}, beside pyproject.toml, is not read: pylock = "{PYLOCK}" takes the pins from it.'
    return replace(named, pylock=lock, notes=(*named.notes, said)) if said else named


def _first(config: Config, project: Project, problems: Problems) -> Named:
    """Return the requirements of the first place that names any; `looked_at` ends with it."""
    poetry = _table(project.tool, "poetry")
    looked_at = [f"{_OF_TABLE} in [{KEY}]", f"[{PROJECT}]"]
    if project.dependencies:
        others = tuple(_passed_over(project, poetry))
        return Named(asked=_listed(project.dependencies, PROJECT), notes=others, looked_at=tuple(looked_at))
    if names_dependencies(poetry):
        return _of_poetry(config, poetry, (*looked_at, f"[{DEPENDENCIES}]"), problems)
    if project.dependencies is not None and project.names_dependencies:
        return Named(looked_at=tuple(looked_at), unnamed=tuple(_unnamed(project.root)))
    return _of_setuptools(project, (*looked_at, f"[{DEPENDENCIES}]"), problems)


def _passed_over(project: Project, poetry: Mapping[str, Any]) -> Iterator[str]:
    taken = f"The requirements are those of [{PROJECT}]"
    if names_dependencies(poetry):
        yield f"{taken}: beside them, [{DEPENDENCIES}] only says where packages come from, which is not read."
    asked, files = read_setup_cfg(project.root, Problems())
    if asked or files:
        yield f"{taken}: those of {SETUP_CFG} do not count beside them, in setuptools either."


def _of_poetry(config: Config, poetry: Mapping[str, Any], looked_at: tuple[str, ...], problems: Problems) -> Named:
    _check_python(config, poetry, problems)
    notes = [f"The requirements are those of [{DEPENDENCIES}]: nothing in [{KEY}] or [project] names any."]
    apart = ", ".join(left_out(poetry))
    if apart:
        notes.append(f"As with `poetry install --only main`, these are left out: {apart}.")
    return Named(asked=read_poetry(poetry, problems), notes=tuple(notes), looked_at=looked_at)


def _check_python(config: Config, poetry: Mapping[str, Any], problems: Problems) -> None:
    version, where = config.python_version, f"{DEPENDENCIES}.python"
    try:
        marker = python_of_poetry(poetry)
    except ValueError as error:
        problems.add(where, f"{error}.", "Write it as Poetry's documentation does.")
        return
    environments = ({"python_version": version, "python_full_version": f"{version}.{patch}"} for patch in (0, 99))
    if marker and not any(map(Marker(marker).evaluate, environments)):
        what = f"excludes the Python of the image, {version}."
        problems.add(where, what, f'Set a version that the project allows: python-version = "X.Y" in [{KEY}].')


def _of_setuptools(project: Project, looked_at: tuple[str, ...], problems: Problems) -> Named:
    dynamic = _files_of(_table(_table(project.tool, "setuptools"), "dynamic").get("dependencies"))
    looked_at = (*looked_at, *([f"[{_DYNAMIC}]"] if dynamic else []), SETUP_CFG)
    if dynamic:
        return Named(files=dynamic, notes=(_taken(f"[{_DYNAMIC}]"),), looked_at=looked_at)
    asked, files = read_setup_cfg(project.root, problems)
    place = names_in_setup_py(project.root, problems)
    if place:
        problems.add(
            place,
            "names the requirements in a program, and mlpackage never runs it.",
            f'{_NAME_THEM}; or dependencies = ["."], and `mlpackage lock` lets pip build the wheel of the project.',
        )
    elif asked or files:
        return Named(asked=asked, files=files, notes=(_taken(SETUP_CFG),), looked_at=looked_at)
    elif project.dependencies is None:
        problems.add(
            PROJECT,
            "is dynamic, and only the build backend knows its value.",
            f'Name the requirements here: requirements = ["requirements.txt"] in [{KEY}].',
        )
    elif (project.root / PIPFILE).is_file():
        what = "names the requirements, and mlpackage does not read it."
        fix = f'Run `pipenv requirements > requirements.txt`, and set requirements = ["requirements.txt"] in [{KEY}].'
        problems.add(PIPFILE, what, fix)
    return Named(looked_at=(*looked_at, SETUP_PY, PIPFILE), unnamed=tuple(_unnamed(project.root)))


def _taken(place: str) -> str:
    return f"The requirements are those of {place}: nothing in [{KEY}] or [project] names any."


def _files_of(value: object) -> tuple[str, ...]:
    files = value.get("file") if isinstance(value, Mapping) else None
    return (files,) if isinstance(files, str) else tuple(map(str, files)) if isinstance(files, list) else ()


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key)
    return value if isinstance(value, Mapping) else {}


def _unnamed(root: Path) -> Iterator[str]:
    """Yield the files beside pyproject.toml that name packages by the look of them."""
    try:
        names = sorted(entry.name for entry in root.iterdir() if entry.is_file())
    except OSError:
        return
    yield from (name for name in names if any(Path(name).match(pattern) for pattern in _UNNAMED))
