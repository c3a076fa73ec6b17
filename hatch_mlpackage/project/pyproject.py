"""Read the project that a context is made for: its folder, name, version and `[tool.mlpackage]` table."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.errors import ConfigurationError, MLPackageError, Problem, Problems
from hatch_mlpackage.files.parse import parse_toml
from hatch_mlpackage.files.quoting import escaped
from hatch_mlpackage.files.read import file_bytes, file_text
from hatch_mlpackage.project.identity import LONGEST, is_identity, read_name, read_version

if TYPE_CHECKING:
    from hatchling.metadata.core import ProjectMetadata

HATCHLING = "hatchling.build"
PYPROJECT = "pyproject.toml"
FALLBACK_NAME = "model"
FALLBACK_VERSION = "0"
# What mlpackage reads in the file, outer tables first, and the type that each must have.
_SHAPES: Mapping[str, type] = {
    "build-system": dict,
    "build-system.build-backend": str,
    "project": dict,
    "project.dependencies": list,
    "project.dynamic": list,
    "project.name": str,
    "project.requires-python": str,
    "project.version": str,
    "tool": dict,
    "tool.mlpackage": dict,
}
_SAID: Mapping[type, str] = {dict: "a table", list: "an array of strings", str: "a string"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """Describe a project; `table` is `[tool.mlpackage]` as TOML gave it.

    `dependencies` is `[project.dependencies]`, or None if only the build backend knows them, and `names_dependencies`
    says whether that key is there at all. `tool` is `[tool]`, with the tables of other tools. `backend` is the build
    backend, empty without a pyproject.toml; `text` is that of pyproject.toml, empty where Hatch read the file.
    """

    root: Path
    name: str = FALLBACK_NAME
    version: str = FALLBACK_VERSION
    dependencies: tuple[str, ...] | None = ()
    names_dependencies: bool = False
    requires_python: str = ""
    tool: Mapping[str, Any] = field(default_factory=dict, repr=False)
    table: Mapping[str, Any] = field(default_factory=dict)
    backend: str = ""
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not is_identity(self.name, self.version):
            raise MLPackageError(
                f"{self.name!r} {self.version!r}: not a project's name in its normal form, and a version. "
                "Use letters, digits, dots and dashes."
            )


def load_project(root: Path) -> Project:
    """Read `pyproject.toml`, whatever its build backend; without one, return a project with an empty table.

    Raises MLPackageError when the file cannot be read.
    """
    path = root / PYPROJECT
    if not os.path.lexists(path):
        return Project(root=root)
    text, document = _read(path)
    metadata = document.get("project", {})
    if metadata.get("dynamic") and _backend(document) == HATCHLING:
        return replace(_ask_hatchling(root, text), text=text)
    dynamic = metadata.get("dynamic", ())
    name, version = _identity(metadata.get("name", FALLBACK_NAME), metadata.get("version", FALLBACK_VERSION), text)
    return Project(
        root=root,
        name=name,
        version=version,
        dependencies=None if "dependencies" in dynamic else tuple(metadata.get("dependencies", ())),
        names_dependencies="dependencies" in metadata,
        requires_python=metadata.get("requires-python", ""),
        tool=document.get("tool", {}),
        table=document.get("tool", {}).get("mlpackage", {}),
        backend=_backend(document),
        text=text,
    )


def _read(path: Path) -> tuple[str, Mapping[str, Any]]:
    try:
        text = file_text(path)
        document = parse_toml(text)
    except OSError as error:
        raise MLPackageError(f"{path}: cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise MLPackageError(f"{path}: {_why_no_toml(path, error)}") from None
    _check_shapes(document, path)
    return text, document


def _why_no_toml(path: Path, error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError) or file_bytes(path).startswith(BOM_UTF8):
        return "TOML is UTF-8 without a byte order mark, and this file is not. Save it so."
    return f"{error}. Correct the file."


def _check_shapes(document: Mapping[str, Any], path: Path) -> None:
    for name, kind in _SHAPES.items():
        table, _, key = name.rpartition(".")
        value = (document.get(table, {}) if table else document).get(key, kind())
        items = value if kind is list and isinstance(value, list) else []
        if not isinstance(value, kind) or not all(isinstance(item, str) for item in items):
            raise MLPackageError(f"{path}: {name} is not {_SAID[kind]}. Correct the file.")


def _identity(name: str, version: str, text: str) -> tuple[str, str]:
    """Return the normal forms of a name and a version; raise ConfigurationError where one has none."""
    problems = Problems()
    found = read_name(name, problems), read_version(version, problems)
    if found[0] is None or found[1] is None:
        raise ConfigurationError(located(problems.found, text))
    return found[0], found[1]


def project_of_hatch(metadata: ProjectMetadata[Any], text: str = "") -> Project:
    """Take the project from what Hatch has already read; `text` is that of pyproject.toml, where it is known.

    Raises ConfigurationError for a name or a version that is none, whatever plugin made it, and MLPackageError with
    Hatch's own reason when the metadata is wrong.
    """
    try:
        core = metadata.core
        name, version = _identity(core.name, metadata.version, text)
        table = metadata.config["project"]
        return Project(
            root=Path(metadata.root),
            name=name,
            version=version,
            dependencies=tuple(core.dependencies),
            names_dependencies="dependencies" in {*table, *table.get("dynamic", ())},
            requires_python=core.requires_python,
            tool=metadata.config.get("tool", {}),
            table=metadata.config.get("tool", {}).get("mlpackage", {}),
            backend=HATCHLING,
        )
    except MLPackageError:
        raise
    except Exception as error:
        # A metadata plugin may raise anything, and only the user can correct it.
        raise MLPackageError(f"{Path(metadata.root, PYPROJECT)}: {escaped(str(error))}") from error


def located(problems: Iterable[Problem], text: str) -> tuple[Problem, ...]:
    """Add the line to each problem whose place is a key; `text` is that of pyproject.toml, empty without one."""
    from hatch_mlpackage.files.toml import key_lines, line_of  # noqa: PLC0415 - for projects with problems only

    found = tuple(problems)
    lines = key_lines(text) if found else {}
    return tuple(
        replace(problem, at=f"{PYPROJECT}:{line}") if (line := line_of(problem.where, lines)) else problem
        for problem in found
    )


def plain_name(name: str) -> str:
    """Turn any name into one that an image can have; the checks report what is wrong with the original."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:LONGEST].strip("-") or FALLBACK_NAME


def _backend(document: Mapping[str, Any]) -> str:
    return str(document.get("build-system", {}).get("build-backend", "setuptools"))


def _ask_hatchling(root: Path, text: str) -> Project:
    """Let hatchling, with the project's plugins, compute what the project leaves dynamic."""
    from hatchling.metadata.core import ProjectMetadata  # noqa: PLC0415 - only dynamic projects pay for it
    from hatchling.plugin.manager import PluginManager  # noqa: PLC0415

    return project_of_hatch(ProjectMetadata(str(root), PluginManager()), text)
