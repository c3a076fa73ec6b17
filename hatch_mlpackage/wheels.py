"""Wire the wheels beside the lock: `mlpackage lock` makes and fetches them, a context takes them along.

`locks/wheels/` holds what no index has and, with `wheelhouse = true`, the wheels of every pin and of the server.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import LockError, MLPackageError
from hatch_mlpackage.lock import (
    WHEELS_FOLDER,
    LockState,
    Requirements,
    build_wheels,
    fetch_wheels,
    find_wheels,
    fits,
    make_lock,
    packages_of,
    put_wheel,
    read_pins,
    select_lock,
    without_wheel,
)
from hatch_mlpackage.lock.header import split_header
from hatch_mlpackage.plan import PROJECT_LAYER, ContextFile, server_lock_path
from hatch_mlpackage.project_wheel import build_project_wheel
from hatch_mlpackage.resources import runtime_directory, templates_directory

if TYPE_CHECKING:
    from hatch_mlpackage.config import Config
    from hatch_mlpackage.package import LockInputs
    from hatch_mlpackage.project import Project

ENVIRONMENT_WHEELS = "environment/wheels"
SERVER_WHEELS = "server/wheels"
INSTALLER_WHEELS = "environment/conda/wheels"


def wheels_directory(inputs: LockInputs) -> Path:
    return inputs.lock_path.parent / WHEELS_FOLDER


def not_sources(root: Path, config: Config) -> frozenset[Path]:
    """Return what is below the project's root, and no part of the wheel that is made of it."""
    return frozenset((root / path).resolve() for path in (config.lock_directory, *(it.path for it in config.models)))


def lock_requirements(
    inputs: LockInputs, *, previous: str | None, upgrade: bool, report: Callable[[str], None]
) -> tuple[str, frozenset[str]]:
    """Return the text of a lock, and the names of the wheels that belong to it, which are put beside it.

    Raises LockError or UnavailableError; the wheels of the lock that is there are then still there.
    """
    config, requirements, target = inputs.config, inputs.requirements, inputs.config.target
    folder = wheels_directory(inputs)
    if config.pylock is not None:
        text = _select_lock(inputs, config.pylock, upgrade=upgrade, report=report)
        return text, frozenset(path.name for path in _fetch(inputs, text, report)) if config.wheelhouse else frozenset()
    with TemporaryDirectory(prefix="mlpackage-wheels-") as work:
        vendored = build_wheels(
            requirements,
            target,
            root=inputs.project.root,
            folder=Path(work),
            wheels=folder,
            previous=previous,
            upgrade=upgrade,
            left_out=not_sources(inputs.project.root, config),
            report=report,
        )
        text = make_lock(
            requirements,
            target,
            locker=config.locker,
            previous=previous,
            upgrade=upgrade,
            report=report,
            vendored=vendored,
        )
        wanted = {path.name for path in _fetch(inputs, text, report)} if config.wheelhouse else set()
        wanted |= {put_wheel(wheel.path, folder).name for wheel in vendored}
    return text, frozenset(wanted)


def _select_lock(inputs: LockInputs, pylock: str, *, upgrade: bool, report: Callable[[str], None]) -> str:
    if upgrade:
        report(f"The pins are those of {pylock}: renew them with the tool that made it.")
    content = (inputs.project.root / pylock).read_bytes()
    name = inputs.project.name
    return select_lock(content, inputs.requirements, inputs.config.target, project=name, report=report)


def with_pylock(requirements: Requirements, project: Project, config: Config) -> Requirements:
    """Add the digest of the pylock.toml that a lock is selected from, the same with either kind of line ends."""
    if config.pylock is None or not (project.root / config.pylock).is_file():
        return requirements  # what is wrong with the path was reported when the configuration was read
    content = (project.root / config.pylock).read_bytes().replace(b"\r\n", b"\n")
    return replace(requirements, pylock=(config.pylock, f"sha256:{hashlib.sha256(content).hexdigest()}"))


def _fetch(inputs: LockInputs, text: str, report: Callable[[str], None]) -> Iterator[Path]:
    for lock in (text, *_our_locks(inputs)):
        with TemporaryDirectory(prefix="mlpackage-wheels-") as work:
            yield from fetch_wheels(
                lock,
                inputs.requirements,
                inputs.config.target,
                folder=Path(work),
                wheels=wheels_directory(inputs),
                report=report,
            )


def _our_locks(inputs: LockInputs) -> Iterator[str]:
    """Yield the locks that come with this package: the server's, and that of what installs conda's packages."""
    yield server_lock_path(runtime_directory(), inputs.config.python_version).read_text(encoding="utf-8")
    if inputs.has_conda_lock and inputs.config.conda_mode == "vendored":
        yield (templates_directory() / "context" / "conda" / "requirements.txt").read_text(encoding="utf-8")


def with_wheels(state: LockState, text: str | None, inputs: LockInputs) -> LockState:
    """Take a lock that fits for stale when one of its wheels is missing or is another file.

    Of a lock for another platform it is said which packages have no wheel for this one: they need other versions.
    """
    if text is not None and state.status == "other-target":
        return replace(state, reasons=(*state.reasons, *_lacking(text, inputs)))
    if text is None or not state.usable:
        return state
    reasons = tuple(reason for _, wrong in _found(inputs, text) for reason in wrong)
    return replace(state, status="stale", reasons=reasons) if reasons else state


def _lacking(text: str, inputs: LockInputs) -> Iterator[str]:
    header, _ = split_header(text)
    target = inputs.config.target
    # Of another Python's wheels nothing was kept.
    if header is not None and header.python == target.python and inputs.packages_path.is_file():
        kept = inputs.packages_path.read_text(encoding="utf-8")
        with suppress(LockError):  # damaged: the new lock that is needed anyway writes it anew
            yield from without_wheel(packages_of(read_pins(text), kept), target)


def _found(inputs: LockInputs, text: str) -> Iterator[tuple[tuple[Path, ...], tuple[str, ...]]]:
    """Find the wheels of the environment and, with a wheelhouse, those of the server and of conda's installer."""
    config, folder = inputs.config, wheels_directory(inputs)
    yield find_wheels(text, folder, config.target, all_wheels=config.wheelhouse)
    for lock in _our_locks(inputs) if config.wheelhouse else ():
        yield find_wheels(lock, folder, config.target, all_wheels=True)


def wheel_files(inputs: LockInputs, text: str) -> Iterator[ContextFile]:
    """Yield the wheels that go along in a context; the lock was checked."""
    places = ((ENVIRONMENT_WHEELS, "environment"), (SERVER_WHEELS, "runtime"), (INSTALLER_WHEELS, "environment"))
    for (place, layer), (paths, _) in zip(places, _found(inputs, text), strict=False):
        for path in paths:
            yield ContextFile(path=f"{place}/{path.name}", layer=layer, source=path, size=path.stat().st_size)


def has_wheels(files: Iterable[ContextFile], place: str) -> bool:
    return any(file.path.startswith(f"{place}/") for file in files)


def project_wheel_file(inputs: LockInputs) -> Iterator[ContextFile]:
    """Yield the project's own wheel where it is to be installed; raise MLPackageError when it cannot be."""
    if not inputs.config.install_project:
        return
    name, content = build_project_wheel(inputs.project.root)
    if not fits(name, inputs.config.target):
        raise MLPackageError(
            f"{name} does not load in {inputs.config.target}: the project holds code compiled for this machine. "
            "Build its wheel for the image elsewhere, and name that as a requirement instead of install-project."
        )
    yield ContextFile(path=f"{PROJECT_LAYER}/{name}", layer=PROJECT_LAYER, source=content, size=len(content))


def without_urls(text: str, inputs: LockInputs) -> str:
    """Pin what the lock has by URL by its place in the wheelhouse, so that nothing is asked of the network."""
    if not inputs.config.wheelhouse:
        return text
    (paths, _), *_ = _found(inputs, text)
    for pin in read_pins(text):
        if pin.url is not None:
            file = next(path.name for path in paths if path.name.replace("_", "-").lower().startswith(f"{pin.name}-"))
            text = re.sub(rf"(?m)^{re.escape(pin.name)} @ \S+", f"./{WHEELS_FOLDER}/{file}", text)
    return text
