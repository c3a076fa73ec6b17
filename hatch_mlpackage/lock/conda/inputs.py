"""Hold what a conda lock is made from, and the platform that it is made for, which never depends on this machine.

The file's Python is checked against the image's, which pip's lock and the server's are made for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.explicit import parse_package
from hatch_mlpackage.lock.conda.spec import allows, package_name
from hatch_mlpackage.lock.pins.header import SCHEMA, digest
from hatch_mlpackage.project.target import NEARBY_PYTHON, PICKLED, SUBDIRS, SUPPORTED_PYTHONS, Target

if TYPE_CHECKING:
    from hatch_mlpackage.lock.conda.conda_file import CondaFile

# The oldest kernel that an image runs on today: Red Hat Enterprise Linux 8 has it, and conda-forge builds for that.
_KERNEL = "4.18"
_PATCHES = range(40)


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaInputs:
    """A conda file with the image it is for.

    `channel` is the vendored channel's folder, `cuda` is `12.4` or empty, and `file_digest` is that of the file.
    `record_differs` tells that the record beside the locks says something else than the file, which was read itself.
    """

    file: CondaFile
    target: Target
    cuda: str = ""
    channel: Path | None = None
    file_digest: str = ""
    record_differs: bool = False

    @property
    def subdir(self) -> str:
        return SUBDIRS[self.target.platform]

    @property
    def specs(self) -> tuple[Line, ...]:
        """Return the specs to solve: those of the file, and the image's Python where the file pins none or another."""
        if self.file.kind != "environment":
            return self.file.specs
        replaced = self._replaced
        kept = tuple(spec for spec in self.file.specs if spec not in replaced)
        return kept if _pins_python(kept) else (*kept, Line(0, f"python {self.target.python}.*"))

    @property
    def _replaced(self) -> tuple[Line, ...]:
        """Return the pins of another Python, which check_conda_python accepted because the project chose its own."""
        return () if self.file.kind == "locked" else tuple(_excluding(self.file, self.target.python))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the file's notes, and what is used in place of the Python that it pins, or does not."""
        python = self.target.python
        replaced = [f"{self.file.where(it)}: `{it.text}` is replaced by {python}: {PICKLED}." for it in self._replaced]
        if not replaced and self.specs != self.file.specs:
            replaced = [f"{self.file.path}: python is not pinned: the image's Python {python} is used."]
        return (*self.file.notes, *replaced)

    def virtual_packages(self) -> tuple[tuple[str, str, str], ...]:
        """Return the name, version and build of each virtual package that the image offers."""
        given = [
            ("__unix", "0", "0"),
            ("__linux", _KERNEL, "0"),
            ("__glibc", self.target.libc.removeprefix("manylinux_").replace("_", "."), "0"),
            ("__archspec", "1", self.target.architecture),
        ]
        return (*given, ("__cuda", self.cuda, "0")) if self.cuda else tuple(given)

    def digest(self) -> str:
        """Digest what decides the packages; tool versions, paths and comments do not."""
        inputs = {
            "schema": SCHEMA,
            "kind": self.file.kind,
            "channels": ["vendored"] if self.channel else self.file.channels,
            "specs": sorted({spec.text for spec in self.specs}),
            "subdir": self.subdir,
            "virtual": self.virtual_packages(),
        }
        return digest(json.dumps(inputs, sort_keys=True, separators=(",", ":")))


def _pins_python(specs: Iterable[Line]) -> bool:
    """Tell whether some version of Python is asked for."""
    return any(package_name(spec.text) == "python" and len(spec.text.split()) > 1 for spec in specs)


def _excluding(file: CondaFile, python: str) -> Iterator[Line]:
    """Yield each line that excludes a Python."""
    for spec in file.specs:
        if package_name(spec.text) == "python" and not allows(spec.text, (f"{python}.{patch}" for patch in _PATCHES)):
            yield spec


def check_conda_python(file: CondaFile, python: str, problems: Problems, *, is_chosen: bool = False) -> None:
    """Report each line that excludes the image's Python (`3.12`), unless the project chose that Python itself.

    The packages of another tool's lock are used unchanged, and their Python with them.
    """
    if file.kind == "locked":
        _check_locked_python(file, python, problems)
        return
    for spec in () if is_chosen else _excluding(file, python):
        problems.add(file.where(spec), f"`{spec.text}` excludes the image's Python {python}.", _python_fix(spec))


def _check_locked_python(file: CondaFile, python: str, problems: Problems) -> None:
    packages = filter(None, (parse_package(line.text, line.number) for line in file.specs))
    found = next((package for package in packages if package.name == "python"), None)
    if found is None:
        problems.add(file.path, "it has no python, and the model needs one.", f"Lock it anew with python={python}.")
    elif not found.version.startswith(f"{python}."):
        fix = f'Set python-version = "{".".join(found.version.split(".")[:2])}" in [tool.mlpackage], or lock it anew.'
        where = f"{file.path}:{found.line}"
        problems.add(where, f"it has Python {found.version}, the image is to have {python}.", fix)


def _python_fix(spec: Line) -> str:
    for version in reversed(SUPPORTED_PYTHONS):
        if allows(spec.text, (f"{version}.{patch}" for patch in _PATCHES)):
            return f'Set python-version = "{version}" in [tool.mlpackage], or change it here.'
    return (
        f"Entry scripts are run on Python {SUPPORTED_PYTHONS[0]} to {SUPPORTED_PYTHONS[-1]}: choose one with "
        f'python-version = "{NEARBY_PYTHON}" in [tool.mlpackage], which replaces this line.'
    )
