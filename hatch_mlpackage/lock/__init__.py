"""Locks a project's requirements for its image, and tells whether a lock still answers them.

Only `make_lock` runs a resolver and uses the network. Importing this package, reading and checking load neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .check import LockState, check_lock
from .pins import Pin, read_pins
from .requirements import Requirements, read_requirements

if TYPE_CHECKING:
    from hatch_mlpackage.target import Target

    from .make import Locker

__all__ = ["LockState", "Pin", "Requirements", "check_lock", "make_lock", "read_pins", "read_requirements"]


def make_lock(
    requirements: Requirements,
    target: Target,
    *,
    locker: Locker = "uv",
    previous: str | None = None,
    upgrade: bool = False,
    report: Callable[[str], None] = print,
) -> str:
    """Resolve for the image and return the whole text of the lock; see `make.make_lock`."""
    from . import make  # noqa: PLC0415 - starting processes takes modules that a check must not pay for

    return make.make_lock(requirements, target, locker=locker, previous=previous, upgrade=upgrade, report=report)
