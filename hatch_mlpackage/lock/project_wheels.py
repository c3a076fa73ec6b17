"""Find the wheels beside a project's lock, and judge the lock by them.

`locks/wheels/` holds the wheels that no index has and, with `wheelhouse = true`, those of every pin and of the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.resources import runtime_directory, server_lock_path, templates_directory
from hatch_mlpackage.lock.pins.header import split_header
from hatch_mlpackage.lock.pins.packages import without_wheel
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER
from hatch_mlpackage.lock.pins.wheel_records import find_wheels

if TYPE_CHECKING:
    from hatch_mlpackage.lock.inputs import LockInputs
    from hatch_mlpackage.lock.pins.check import LockState


def wheels_directory(inputs: LockInputs) -> Path:
    return inputs.lock_path.parent / WHEELS_FOLDER


def our_locks(inputs: LockInputs) -> Iterator[str]:
    """Yield the locks that come with this package: those of the server and of the installer of conda packages."""
    yield server_lock_path(runtime_directory(), inputs.config.python_version).read_text(encoding="utf-8")
    if inputs.has_conda_lock and inputs.config.conda_mode == "vendored":
        yield (templates_directory() / "context" / "conda" / "requirements.txt").read_text(encoding="utf-8")


def with_wheels(state: LockState, inputs: LockInputs) -> LockState:
    """Turn a lock that fits into a stale one when one of its wheels is missing or is another file.

    The reasons of a lock for another platform also name the packages that have no wheel for this one.
    """
    if state.status == "other-target":
        return replace(state, reasons=(*state.reasons, *_lacking(inputs)))
    if not state.usable:
        return state
    reasons = tuple(reason for _, wrong in find_all_wheels(inputs) for reason in wrong)
    return replace(state, status="stale", reasons=reasons) if reasons else state


def _lacking(inputs: LockInputs) -> Iterator[str]:
    header, _ = split_header(inputs.locks.requirements or "")
    target = inputs.config.target
    # packages.json lists the wheels of the locked Python alone.
    if header is not None and header.python == target.python and inputs.locks.packages_json is not None:
        with suppress(LockError):  # the new lock, which is needed anyway, replaces a damaged file
            yield from without_wheel(inputs.locks.packages, target)


def find_all_wheels(inputs: LockInputs) -> Iterator[tuple[tuple[Path, ...], tuple[str, ...]]]:
    """Find the wheels of the environment and, with a wheelhouse, those of the server and of conda's installer."""
    config, folder = inputs.config, wheels_directory(inputs)
    yield find_wheels(inputs.locks.requirements or "", folder, config.target, all_wheels=config.wheelhouse)
    for lock in our_locks(inputs) if config.wheelhouse else ():
        yield find_wheels(lock, folder, config.target, all_wheels=True)
