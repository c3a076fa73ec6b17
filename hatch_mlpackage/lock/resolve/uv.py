"""Run `uv pip compile` for any Python and platform from any machine, and read what it says."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.lock.pins.pins import Pin
from hatch_mlpackage.lock.resolve import index_settings
from hatch_mlpackage.lock.resolve.task import CONSTRAINTS, INPUT, KEPT, OUTPUT, Outcome, Task, fail, run
from hatch_mlpackage.project.target import Target

# The C library versions that uv knows a platform for, oldest first.
_GLIBC_MINORS = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
# The other index options of the project go into a file: as arguments they would replace the machine's own.
_INDEXES = "indexes.in"
# Options that uv does not take from a requirements file, or that a setting of the machine would override.
_FLAG_FOR = {
    "--index-url": "--default-index",
    "--pre": "--prerelease",
    "--trusted-host": "--allow-insecure-host",
}

_INDEX_FLAGS = {
    "--index-url": "--default-index",
    "--extra-index-url": "--index",
    "--find-links": "--find-links",
    "--trusted-host": "--allow-insecure-host",
}
_PYLOCK = "pylock.toml"
NOT_FOUND = "not found in the package registry"
_LONGEST_EXPLANATION = 8  # lines; a long one derives the cause step by step, and ends with it
_MOST_HINTS = 4
_WIDEST = "10000"


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What a wheel says that it needs: its requirements, the extras that some of them belong to, and the Pythons."""

    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    python: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unbuilt:
    """Packages that come from source archives: their names, and the `needs` of the versions that were built.

    A version that was not built yet is taken to need nothing, so that choosing one runs no code of the package.
    """

    names: tuple[str, ...] = ()
    needs: Mapping[tuple[str, str], Needs] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by which uv asks no package for what it needs."""
        unknown: list[dict[str, Any]] = [{"name": name, "requires-dist": []} for name in self.names]
        known: list[dict[str, Any]] = [
            {
                "name": name,
                "version": version,
                "requires-dist": list(needs.requires),
                "provides-extra": list(needs.extras),
                **({"requires-python": needs.python} if needs.python else {}),
            }
            for (name, version), needs in self.needs.items()
        ]
        return {"dependency-metadata": known + unknown} if self.names else {}


NOTHING = Unbuilt()


def find_uv() -> str | None:
    """Return the path of uv's program: the installed package's, or the first on PATH."""
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - an extra: absent where only a lock is read

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")


def platform_of(target: Target) -> str:
    """Return uv's name of the platform with the image's C library, or with the newest one that is older."""
    if target.libc == "musl":
        return f"{target.architecture}-unknown-linux-musl"
    minor = int(target.libc.rpartition("_")[2])
    return f"{target.architecture}-manylinux_2_{max(known for known in _GLIBC_MINORS if known <= minor)}"


def newest_of_each(task: Task) -> None:
    """Write the newest version that each requirement allows by itself; raise as `resolve`."""
    outcome = compile_requirements(task, "--quiet", "--no-deps", "--no-annotate")
    if outcome.status:
        fail(task, outcome, reason_of(outcome))


def list_files(task: Task, from_source: tuple[str, ...] = ()) -> Outcome:
    """Write what the index has now of the pins in the task's folder, each with the hashes of all of its files.

    Those of `from_source` need no wheel. uv warns of pins that were yanked.
    """
    return compile_requirements(task, "--no-deps", "--refresh", "--no-annotate", unbuilt=Unbuilt(names=from_source))


def find_archives(task: Task, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return what the index says of the source archives of the pins in the task's folder, as in a `pylock.toml`."""
    return {name: package.get("sdist", {}) for name, package in _listed(task, Unbuilt(names=names)).items()}


def find_wheels(task: Task) -> dict[str, list[dict[str, Any]]]:
    """Return what the index says of the wheels of the pins in the task's folder, as in a `pylock.toml`."""
    return {name: package.get("wheels", []) for name, package in _listed(task, NOTHING).items()}


def _listed(task: Task, unbuilt: Unbuilt) -> dict[str, dict[str, Any]]:
    outcome = compile_requirements(task, "--quiet", "--no-deps", unbuilt=unbuilt, output=_PYLOCK)
    if outcome.status:
        fail(task, outcome, reason_of(outcome))
    packages = tomllib.loads(file_text(task.folder / _PYLOCK)).get("packages", [])
    return {canonicalize_name(package["name"]): package for package in packages}


def wheels_elsewhere(task: Task) -> dict[str, tuple[str, ...]]:
    """Return the file names of all wheels, for any platform, of the pins in the task's folder, of this Python or later.

    A pin that has none of these makes the whole answer empty.
    """
    outcome = compile_requirements(task, "--quiet", "--no-deps", output=_PYLOCK, platform="--universal")
    if outcome.status:
        return {}
    packages = tomllib.loads(file_text(task.folder / _PYLOCK)).get("packages", [])
    return {canonicalize_name(it["name"]): tuple(map(_file_name, it.get("wheels", ()))) for it in packages}


def _file_name(wheel: Mapping[str, Any]) -> str:
    return PurePosixPath(urlsplit(str(wheel.get("url") or wheel.get("path", ""))).path).name


def asking_for(task: Task, pins: Sequence[Pin], folder: str) -> Task:
    """Return a task in a new folder below that of another one, whose requirements are pins."""
    task = replace(task, folder=task.folder / folder)
    task.folder.mkdir()
    (task.folder / INPUT).write_text("".join(f"{pin.name}=={pin.version}\n" for pin in pins), encoding="utf-8")
    for limits in (CONSTRAINTS, KEPT):
        (task.folder / limits).write_text("", encoding="utf-8")
    return task


def compile_requirements(
    task: Task, *flags: str, unbuilt: Unbuilt = NOTHING, output: str = OUTPUT, platform: str = ""
) -> Outcome:
    in_file = [option for option in task.requirements.options if option.partition(" ")[0] not in _FLAG_FOR]
    (task.folder / _INDEXES).write_text("".join(f"{option}\n" for option in in_file), encoding="utf-8")
    environment, settings = index_settings.for_uv(os.environ, task.folder, unbuilt.settings)
    environment = {**environment, "COLUMNS": _WIDEST}  # else uv breaks its lines anywhere
    from_source = [f"--no-binary={name}" for name in unbuilt.names]
    arguments = [*_arguments(task, platform), *from_source, f"--output-file={output}", *flags, *settings]
    command = [find_uv() or "uv", *arguments]
    outcome = run(command, environment, task)
    if outcome.status and NOT_FOUND in outcome.said:
        # When uv compares several indexes it silently skips one that refuses; with first-index it reports it.
        again = run([*command, "--index-strategy=first-index"], environment, task)
        outcome = again if again.status else outcome
    return outcome


def _arguments(task: Task, platform: str) -> list[str]:
    arguments = [
        "pip",
        "compile",
        "--color=never",
        "--no-header",
        "--generate-hashes",
        "--only-binary=:all:",
        f"--python-version={task.target.full_python}",
        platform or f"--python-platform={platform_of(task.target)}",
        f"--python={sys.executable}",  # any Python will do, and searching for the image's takes time
        f"--constraints={CONSTRAINTS}",
        f"--constraints={KEPT}",
        INPUT,
        _INDEXES,
    ]
    if task.upgrade:
        arguments.append("--upgrade")
    return arguments + list(_option_arguments(task, _FLAG_FOR))


def index_arguments(task: Task) -> tuple[str, ...]:
    """Return the project's own index options as arguments, for a command that reads no requirements file."""
    return tuple(_option_arguments(task, _INDEX_FLAGS))


def _option_arguments(task: Task, flags: Mapping[str, str]) -> Iterator[str]:
    for name, _, value in (option.partition(" ") for option in task.requirements.options):
        if name in flags:
            yield f"{flags[name]}={value or 'allow'}"


def reason_of(outcome: Outcome) -> str:
    """Keep uv's error, the end of its explanation, which names the cause, and its hints."""
    text = re.sub(r"(?m)^(?:error|\s*cause): ", "", outcome.said)
    explained, hint, hints = text.partition("\nhint: ")
    lines = [line for line in explained.splitlines() if line.strip()]
    if len(lines) > _LONGEST_EXPLANATION:
        lines = [lines[0], "…", *lines[2 - _LONGEST_EXPLANATION :]]
    said = [re.sub(r"\s+", " ", one).strip() for one in hints.split("\nhint: ")] if hint else []
    return "\n".join([*lines, *(f"hint: {one}" for one in said[-_MOST_HINTS:])])
