"""Build wheels for the image from folders, archives, URLs and repositories, with `pip wheel`.

Building runs a source's own build backend, as installing it would; its dependencies are resolved later, with all
others. A local project is built from a copy of the files that its digest covers, so that its folder stays clean.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NoReturn

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.files.fixed_time import TIMESTAMP
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.asked.sources import Source, files_of
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER, Pin, installed_pins
from hatch_mlpackage.lock.pins.wheel_records import Vendored, is_locked, records, sha256_of
from hatch_mlpackage.lock.pins.wheel_tags import fits
from hatch_mlpackage.lock.resolve import index_settings
from hatch_mlpackage.lock.resolve.pip_tools import is_installed
from hatch_mlpackage.lock.resolve.task import Outcome, Task, raise_if_outside, run
from hatch_mlpackage.project.target import Target

_UMASK = 0o022
_LONGEST_REASON = 12  # lines
_NOISE = re.compile(
    r"\s*(?:\[?notice|note:|hint:|WARNING:|error: subprocess-exited|Looking in |Running command |[\u00d7\u2502\u2570])"
)
_NO_REPOSITORY = re.compile(
    r"(?i)fatal: (?:unable to access|could not read|authentication failed|repository .* not found)"
    r"|does not appear to be a git repository|could not read from remote repository|did not match any file"
    r"|couldn't find remote ref"
)
PIP = (sys.executable, "-P", "-m", "pip")
_FLAGS = (
    "--no-deps",
    "--no-cache-dir",  # an earlier wheel of the same version may come from other files
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--ignore-requires-python",  # only the image's Python counts, and the resolver checks that
)


def build_wheels(
    requirements: Requirements,
    target: Target,
    *,
    root: Path,
    folder: Path,
    wheels: Path,
    previous: str | None = None,
    upgrade: bool = False,
    left_out: Collection[Path] = (),
    report: Callable[[str], None] = print,
) -> tuple[Vendored, ...]:
    """Return a wheel for every source that applies to the image; reuse those in `wheels` that are still current.

    New wheels lie below `folder`. Raises LockError or UnavailableError.
    """
    task = Task(folder=folder, requirements=requirements, target=target, upgrade=upgrade, report=report)
    sources = [source for source in task.requirements.sources if source.applies(task.target)]
    kept = {} if task.upgrade else _kept(task, previous, wheels)
    made: list[Vendored] = []
    for number, source in enumerate(sources):
        path = kept.get(source.text) or _build(task, source, root, task.folder / f"source-{number}", left_out)
        made.append(_proven(source, path, task))
    _refuse_doubles(made)
    return tuple(sorted(made, key=lambda it: it.path.name))


def _kept(task: Task, previous: str | None, wheels: Path) -> Mapping[str, Path]:
    """Find the wheels that the previous lock built from the same sources, except edited or damaged ones."""
    try:
        pins: dict[str, Pin] = {pin.name: pin for pin in installed_pins(previous or "", task.target)}
    except LockError:
        return {}
    digests = {source.text: source.digest for source in task.requirements.sources}
    kept: dict[str, Path] = {}
    for record in records(previous or ""):
        path = wheels / record.file
        pin = pins.get(_parsed(record.file)[0])
        same = record.digest == digests.get(record.text)
        if same and pin is not None and path.is_file() and is_locked(path, pin, task.target):
            kept[record.text] = path
    return kept


def _build(task: Task, source: Source, root: Path, folder: Path, left_out: Collection[Path]) -> Path:
    if not is_installed():
        raise LockError(f'Building {source.text} needs pip: pip install "hatch-mlpackage[cli]"')
    folder.mkdir()
    local = root / source.location if source.is_local else None
    if local is not None and local.suffix == ".whl":
        return Path(shutil.copy2(local, folder))
    what = source.location if local is None else str(_copy(local, folder, left_out))
    task.report(f"Building a wheel of {source.text}.")
    # Only git's own credential store may answer a repository that asks for a password, never a prompt.
    environment = {
        **index_settings.for_pip(os.environ, task.requirements.options),
        "SOURCE_DATE_EPOCH": str(TIMESTAMP),
        "PYTHONHASHSEED": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    command = [*PIP, "wheel", *_FLAGS, f"--wheel-dir={folder / WHEELS_FOLDER}", what]
    outcome = run(command, environment, task, doing="building", umask=_UMASK)
    found = sorted((folder / WHEELS_FOLDER).glob("*.whl"))
    if outcome.status or len(found) != 1:
        _fail(source, outcome, task)
    return found[0]


def _copy(local: Path, folder: Path, left_out: Collection[Path]) -> Path:
    if local.is_file():
        return local
    copy = folder / "project"
    for place, file in files_of(local, left_out):
        target = copy / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
        target.chmod(0o755 if os.access(file, os.X_OK) else 0o644)
    return copy


def _fail(source: Source, outcome: Outcome, task: Task) -> NoReturn:
    said = outcome.said
    lines = [line.rstrip().replace(str(task.folder), "…") for line in said.splitlines() if line.strip()]
    shown = "\n".join(f"  {line}" for line in [line for line in lines if not _NOISE.match(line)][-_LONGEST_REASON:])
    if _NO_REPOSITORY.search(said):
        raise UnavailableError(
            f"The repository of {source.text} could not be read:\n{shown}\n"
            "Check its URL and revision, the network, and that git has the credentials for it (a store or an ssh key)."
        )
    raise_if_outside(outcome, shown)
    versioned = source.is_local and re.search(r"(?i)\bscm|version control|git describe|vcs", said)
    fix = (
        "Only its files are copied, not its history: give its version in pyproject.toml, set the variable that its "
        "build backend takes one from, or name its repository: `git+file:///…`."
        if versioned
        else "See that `pip wheel --no-deps` builds it, and run `mlpackage lock` again."
    )
    raise LockError(f"A wheel of {source.text} cannot be built:\n{shown}\n{fix}")


def _proven(source: Source, path: Path, task: Task) -> Vendored:
    name, version = _parsed(path.name)
    if source.name not in {None, name}:
        raise LockError(f"{source.text}: its package is called {name}, not {source.name}. Correct the name.")
    if not fits(path.name, task.target):
        raise LockError(
            f"{source.text}: its wheel {path.name} does not load in {task.target}. It holds code compiled for this "
            "machine: give a wheel that was built for the image (a manylinux or musllinux one), by its path or URL."
        )
    return Vendored(source=source, path=path, name=name, version=version, sha256=sha256_of(path))


def _parsed(file_name: str) -> tuple[str, str]:
    try:
        name, version, _, _ = parse_wheel_filename(file_name)
    except InvalidWheelFilename as error:
        raise LockError(f"{file_name} is not a wheel's file name: {error}.") from error
    return name, str(version)


def _refuse_doubles(made: list[Vendored]) -> None:
    by_name: dict[str, Vendored] = {}
    for it in made:
        other = by_name.setdefault(it.name, it)
        if other.sha256 != it.sha256:
            raise LockError(f"{it.name} is asked for twice: {other.source.text} and {it.source.text}. Remove one.")
