"""Build a wheel of pure Python from a source archive, with `uv build` and the image's Python, without a compiler.

Where a compiler should be, a program stands that only notes that it was called, and fails. A package that can do
without its extensions then leaves them out, so that its wheel works in any image; for any other one the build fails.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.fixed_time import TIMESTAMP
from hatch_mlpackage.files.quoting import quote_for_shell
from hatch_mlpackage.lock.pins.wheel_tags import fits
from hatch_mlpackage.lock.resolve import index_settings, uv
from hatch_mlpackage.lock.resolve.interpreters import find_python
from hatch_mlpackage.lock.resolve.task import Outcome, Task, raise_if_outside, run
from hatch_mlpackage.lock.wheels.archives import Archive
from hatch_mlpackage.lock.wheels.pure import as_pure, compiled_files, is_for_a_platform

_UMASK = 0o022
_LONGEST_REASON = 12  # lines
_NOISE = re.compile(r"\s*(?:$|hint: (?:This |Build failures )|\[std(?:out|err)\]|Building (?:source|wheel) |warning: )")
# Today's setuptools builds most archives. Releases from 72 on lack the command `test`, which an old setup.py extends,
# and later ones lack `pkg_resources`; those from 58 on do not convert code of Python 2.
_SETUPTOOLS = ("", "setuptools<72", "setuptools<58")
_COMPILERS = (
    *("cc", "c++", "gcc", "g++", "clang", "clang++", "gfortran", "cl", "link", "ld"),
    *("x86_64-linux-gnu-gcc", "x86_64-linux-gnu-g++", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++"),
    *("cargo", "rustc", "cmake", "go", "nvcc"),
)
_COMPILE_ELSEWHERE = (
    "Choose a version that has a wheel for the image. Or build its wheel where the image's Python and C library are, "
    "put it into the project, and require that: ./name-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltArchive:
    """The wheel of an archive; `is_reduced` says that extensions were left out of it."""

    path: Path
    is_reduced: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Build:
    """How an archive at a path is built: by which interpreter, of which version, and in which environment.

    Where a compiler was called, there is a file at the path `called`.
    """

    archive: Archive
    path: Path
    python: str
    version: str
    environment: Mapping[str, str]
    called: Path

    @property
    def with_python(self) -> str:
        return f"CPython {self.version}"


def build_archive(archive: Archive, path: Path, task: Task) -> BuiltArchive:
    """Build the wheel of an archive at a path into the task's folder; raise LockError or UnavailableError."""
    build = _prepare(archive, path, task)
    task.report(f"Building a wheel of {archive.pin} from {archive.file} with {build.with_python}, which runs its code.")
    outcome = Outcome(status=1, said="")
    for number, constraint in enumerate(_SETUPTOOLS):
        folder = task.folder / f"wheel-{number}"
        outcome = _build(build, folder, constraint, task)
        found = sorted(folder.glob("*.whl"))
        if outcome.status == 0 and len(found) == 1:
            return _pure(build, found[0], task)
        if build.called.exists():
            break
    raise _failure(build, outcome, task)


def _prepare(archive: Archive, path: Path, task: Task) -> _Build:
    wanted, here = task.target.python, f"{sys.version_info.major}.{sys.version_info.minor}"
    python = find_python(wanted)
    if python is None:
        task.report(
            f"Warning: CPython {wanted} is not on this machine: CPython {here} builds {archive.pin}, and what it then "
            "needs may differ."
        )
    called = task.folder / "compiler-was-called"
    return _Build(
        archive=archive,
        path=path,
        python=python or sys.executable,
        version=wanted if python else here,
        environment=_environment(task, called),
        called=called,
    )


def _build(build: _Build, folder: Path, constraint: str, task: Task) -> Outcome:
    limits = folder.with_suffix(".txt")
    limits.write_text(f"{constraint}\n", encoding="utf-8")
    settings = index_settings.for_uv(os.environ, task.folder)[1]
    options = [*uv.index_arguments(task), "--color=never", "--no-progress", f"--build-constraints={limits}"]
    command = [uv.find_uv() or "uv", "build", "--wheel", f"--python={build.python}", f"--out-dir={folder}", *options]
    return run([*command, *settings, str(build.path)], build.environment, task, doing="building", umask=_UMASK)


def _environment(task: Task, called: Path) -> dict[str, str]:
    """Return the environment of a build, in which every compiler fails and leaves a file at a path."""
    programs = task.folder / "no-compiler"
    programs.mkdir()
    for name in _COMPILERS:
        program = programs / name
        program.write_text(f"#!/bin/sh\n: > {quote_for_shell(str(called))}\nexit 1\n", encoding="utf-8")
        program.chmod(0o755)
    environment, _ = index_settings.for_uv(os.environ, task.folder)
    compilers = {"CC": "cc", "CXX": "c++", "FC": "gfortran", "LDSHARED": "cc", "CARGO": "cargo", "RUSTC": "rustc"}
    return {
        **environment,
        **{variable: str(programs / name) for variable, name in compilers.items()},
        "PATH": os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath))),
        "SOURCE_DATE_EPOCH": str(TIMESTAMP),
        "PYTHONHASHSEED": "0",
    }


def _pure(build: _Build, wheel: Path, task: Task) -> BuiltArchive:
    pin, is_reduced = build.archive.pin, build.called.exists()
    if is_for_a_platform(wheel):
        compiled = compiled_files(wheel)
        if compiled:
            raise LockError(
                f"{pin}: its wheel holds code compiled for this machine ({compiled[0]}), which may not load in the "
                f"image. {_COMPILE_ELSEWHERE}"
            )
        wheel, is_reduced = as_pure(wheel), True
    if not fits(wheel.name, task.target):
        raise LockError(f"{pin}: its wheel {wheel.name} does not load in {task.target}. {_COMPILE_ELSEWHERE}")
    if is_reduced:
        task.report(f"{pin}: its extensions are left out: it runs as pure Python, which may be slower.")
    return BuiltArchive(path=wheel, is_reduced=is_reduced)


def _failure(build: _Build, outcome: Outcome, task: Task) -> LockError:
    """Return the error of a build; raise UnavailableError where the index or the network failed."""
    lines = [line.rstrip().replace(str(task.folder), "…") for line in outcome.said.splitlines()]
    shown = "\n".join(f"  {line}" for line in [line for line in lines if not _NOISE.match(line)][-_LONGEST_REASON:])
    pin, wanted = build.archive.pin, task.target.python
    if build.called.exists():
        return LockError(
            f"{pin} cannot be built without a compiler, so it cannot do without its extensions, and a wheel that is "
            f"compiled here may not load in the image:\n{shown}\n{_COMPILE_ELSEWHERE}"
        )
    raise_if_outside(outcome, shown)
    install = (
        f"Install CPython {wanted}, which the image has and it may need (`uv python install {wanted}`), and run "
        "`mlpackage lock` again. Or choose "
    )
    return LockError(
        f"A wheel of {pin} cannot be built from {build.archive.file} with {build.with_python}:\n{shown}\n"
        f"{'Choose ' if build.version == wanted else install}a version that has a wheel. Or put corrected sources into "
        "the project, and require their folder: ./name"
    )
