"""Locks a project's requirements for its image, and tells whether a lock still answers them.

Only `make_lock`, `build_wheels` and `fetch_wheels` run other programs and use the network. Importing this package,
reading and checking load neither.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from .check import LockState, check_lock
from .packages import PACKAGES, Package, packages_of, read_packages, to_json as packages_to_json, without_wheel
from .pins import WHEELS as WHEELS_FOLDER, Pin, needed_by_others, read_pins
from .requirements import Requirements, read_requirements
from .vendored import Vendored, find_wheels
from .wheel_tags import fits
from .wheels import clear as clear_wheels, put as put_wheel

if TYPE_CHECKING:
    from hatch_mlpackage.target import Target

    from .make import Locker

__all__ = [
    "PACKAGES",
    "WHEELS_FOLDER",
    "LockState",
    "Package",
    "Pin",
    "Requirements",
    "Vendored",
    "build_wheels",
    "check_lock",
    "clear_wheels",
    "describe_packages",
    "fetch_wheels",
    "find_wheels",
    "fits",
    "make_lock",
    "needed_by_others",
    "packages_of",
    "packages_to_json",
    "put_wheel",
    "read_packages",
    "read_pins",
    "read_requirements",
    "select_lock",
    "without_wheel",
]


def make_lock(
    requirements: Requirements,
    target: Target,
    *,
    locker: Locker = "uv",
    previous: str | None = None,
    upgrade: bool = False,
    report: Callable[[str], None] = print,
    vendored: tuple[Vendored, ...] = (),
) -> str:
    """Resolve for the image and return the whole text of the lock; see `make.make_lock`."""
    from . import make  # noqa: PLC0415 - starting processes takes modules that a check must not pay for

    return make.make_lock(
        requirements,
        target,
        locker=locker,
        previous=previous,
        upgrade=upgrade,
        report=report,
        vendored=vendored,
    )


def select_lock(
    content: bytes,
    requirements: Requirements,
    target: Target,
    *,
    project: str,
    report: Callable[[str], None] = print,
) -> str:
    """Return the whole text of a lock whose pins are those of a pylock.toml; see `pylock.select`."""
    from . import pylock  # noqa: PLC0415
    from .header import with_header  # noqa: PLC0415

    options = "".join(f"{option}\n" for option in requirements.options if option != "--pre")
    body = pylock.select(content, requirements, target, project, report)
    return with_header(options + body, requirements, target)


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
    """Build below `folder` a wheel of every source, or take the one that `wheels` has; see `vendor.vendor`."""
    from . import resolver, vendor  # noqa: PLC0415

    task = resolver.Task(folder=folder, requirements=requirements, target=target, upgrade=upgrade, report=report)
    return vendor.vendor(task, root=root, previous=previous, wheels=wheels, left_out=left_out)


def fetch_wheels(
    lock: str,
    requirements: Requirements,
    target: Target,
    *,
    folder: Path,
    wheels: Path,
    report: Callable[[str], None] = print,
) -> tuple[Path, ...]:
    """Put into `wheels` a wheel of every pin, through the empty `folder`; see `wheelhouse.fetch`."""
    from . import resolver, wheelhouse  # noqa: PLC0415

    task = resolver.Task(folder=folder, requirements=requirements, target=target, upgrade=False, report=report)
    return wheelhouse.fetch(task, lock, wheels)


def describe_packages(lock: str, target: Target, *, folder: Path, wheels: Path) -> tuple[Package, ...]:
    """Find the wheel and the licence of every pin, through the empty `folder`; see `licenses.describe`.

    `wheels` is the folder with the vendored ones.
    """
    from . import licenses, resolver  # noqa: PLC0415

    task = resolver.Task(
        folder=folder, requirements=Requirements(), target=target, upgrade=False, report=lambda _: None
    )
    return licenses.describe(task, lock, read_pins(lock), wheels)
