"""Locks with pip-tools"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import LockError

from .resolver import Task

if TYPE_CHECKING:
    from hatch_mlpackage.target import Target


def is_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("piptools", "pip"))


def require_installed(install: str) -> None:
    if not is_installed():
        raise LockError(f"pip-tools is not installed. {install}")


def require_host(target: Target) -> None:
    raise LockError("pip-tools is not supported yet")


def resolve(task: Task) -> None:
    raise LockError("pip-tools is not supported yet")
