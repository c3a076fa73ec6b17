"""Build a wheel from a source archive, with `uv build` and the image's Python: of pure Python, if that can be.

Where a compiler should be, a program stands that only notes that it was called, and fails. A package that can do
without its extensions then leaves them out, so that its wheel works in any image. For any other one that build fails:
it is then compiled, if the image is like this machine.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.pins.wheel_tags import fits
from hatch_mlpackage.lock.resolve import index_settings, uv
from hatch_mlpackage.lock.resolve.interpreters import find_python
from hatch_mlpackage.lock.resolve.task import Outcome, Task, raise_if_outside, run
from hatch_mlpackage.lock.wheels.archives import Archive
from hatch_mlpackage.lock.wheels.compiled import foreign_libraries, platform_here, why_not_here
from hatch_mlpackage.lock.wheels.compilers import with_compiler, without_compiler
from hatch_mlpackage.lock.wheels.retag import PURE, compiled_files, is_for_a_platform, retagged

_UMASK = 0o022
_LONGEST_REASON = 12  # lines
_NOISE = re.compile(r"\s*(?:$|hint: (?:This |Build failures )|\[std(?:out|err)\]|Building (?:source|wheel) |warning: )")
# Today's setuptools builds most archives. Releases from 72 on lack the command `test`, which an old setup.py extends,
# and later ones lack `pkg_resources`; those from 58 on do not convert code of Python 2.
_SETUPTOOLS = ("", "setuptools<72", "setuptools<58")
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
    outcome, wheel = _try(build, build.environment, task)
    called = build.called.exists()
    if wheel is not None and not (is_for_a_platform(wheel) and compiled_files(wheel)):
        return _pure(build, wheel, task, is_reduced=called)
    if wheel is None and not called:
        raise _failure(build, outcome, task)
    return _compile(build, outcome, task)


def _try(build: _Build, environment: Mapping[str, str], task: Task) -> tuple[Outcome, Path | None]:
    """Build with one setuptools after the other, until there is a wheel or a compiler was called in vain."""
    outcome = Outcome(status=1, said="")
    for constraint in _SETUPTOOLS:
        folder = Path(tempfile.mkdtemp(prefix="wheel-", dir=task.folder))
        outcome = _run(build, folder, constraint, environment, task)
        found = sorted(folder.glob("*.whl"))
        if outcome.status == 0 and len(found) == 1:
            return outcome, found[0]
        if build.called.exists():
            break
    return outcome, None


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
        environment=without_compiler(task.folder, called),
        called=called,
    )


def _run(build: _Build, folder: Path, constraint: str, environment: Mapping[str, str], task: Task) -> Outcome:
    limits = folder.with_suffix(".txt")
    limits.write_text(f"{constraint}\n", encoding="utf-8")
    settings = index_settings.for_uv(os.environ, task.folder)[1]
    options = [*uv.index_arguments(task), "--color=never", "--no-progress", f"--build-constraints={limits}"]
    command = [uv.find_uv() or "uv", "build", "--wheel", f"--python={build.python}", f"--out-dir={folder}", *options]
    return run([*command, *settings, str(build.path)], environment, task, doing="building", umask=_UMASK)


def _pure(build: _Build, wheel: Path, task: Task, *, is_reduced: bool) -> BuiltArchive:
    if is_for_a_platform(wheel):  # by what the package may have compiled, and has not
        wheel, is_reduced = retagged(wheel, PURE), True
    if is_reduced:
        task.report(f"{build.archive.pin}: its extensions are left out: it runs as pure Python, which may be slower.")
    return BuiltArchive(path=_fitting(build, wheel, task), is_reduced=is_reduced)


def _compile(build: _Build, outcome: Outcome, task: Task) -> BuiltArchive:
    """Compile what needs a compiler, if the image can load what this machine compiles."""
    pin = build.archive.pin
    other_python = f"CPython {task.target.python} is not on it" if build.version != task.target.python else ""
    reason = why_not_here(task.target) or other_python
    if reason:
        raise LockError(
            f"{pin} cannot do without its extensions, which can only be compiled on a machine like the image: {reason}."
            f"\n{_shown(outcome, task)}\n{_COMPILE_ELSEWHERE}"
        )
    task.report(f"{pin} cannot do without its extensions: compiling it for images like this machine.")
    build.called.unlink(missing_ok=True)
    outcome, wheel = _try(build, with_compiler(build.environment), task)
    if wheel is None:
        raise LockError(f"{pin} cannot be compiled on this machine:\n{_shown(outcome, task)}\n{_COMPILE_ELSEWHERE}")
    foreign = foreign_libraries(wheel)
    if foreign:
        raise LockError(
            f"{pin}: its wheel needs {', '.join(foreign)} of this machine, which the image may not have. "
            f"{_COMPILE_ELSEWHERE}"
        )
    interpreter, abi, _ = wheel.name.removesuffix(".whl").split("-")[-3:]
    tagged = retagged(wheel, f"{interpreter}-{abi}-{platform_here(task.target)}")
    return BuiltArchive(path=_fitting(build, tagged, task), is_reduced=False)


def _fitting(build: _Build, wheel: Path, task: Task) -> Path:
    if not fits(wheel.name, task.target):
        raise LockError(
            f"{build.archive.pin}: its wheel {wheel.name} does not load in {task.target}. {_COMPILE_ELSEWHERE}"
        )
    return wheel


def _failure(build: _Build, outcome: Outcome, task: Task) -> LockError:
    """Return the error of a build; raise UnavailableError where the index or the network failed."""
    shown, pin, wanted = _shown(outcome, task), build.archive.pin, task.target.python
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


def _shown(outcome: Outcome, task: Task) -> str:
    lines = [line.rstrip().replace(str(task.folder), "…") for line in outcome.said.splitlines()]
    return "\n".join(f"  {line}" for line in [line for line in lines if not _NOISE.match(line)][-_LONGEST_REASON:])
