"""Tell how new locks differ from those that they replace: which packages come, go or change their version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.locks import Locks
from hatch_mlpackage.lock.pins.pins import Pin, locked_versions
from hatch_mlpackage.project.config.keys import Config

_REBUILT = "its wheel was built anew"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One package: its version, or URL, `before` and `after`, None where the `lock`, a path, has it not.

    `why` says what made a version move that was to be kept, and is empty where an upgrade was asked for.
    """

    name: str
    before: str | None
    after: str | None
    lock: str
    why: str = ""

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.name} {self.after} added"
        if self.after is None:
            return f"{self.name} {self.before} removed"
        return f"{self.name} {self.before} → {self.after}" + (f": {self.why}" if self.why else "")


def lock_changes(config: Config, before: Locks, after: Locks, why: Mapping[str, str]) -> tuple[Change, ...]:
    """Compare the packages of pip and of conda, sorted by name; `why` maps names to the reasons of pip's pins."""
    pip = _differences(_versions(before), _versions(after), config.lock_path, why)
    rebuilt = _rebuilt(before, after, config.lock_path)
    conda = _differences(_conda_versions(before), _conda_versions(after), config.conda_lock_path, {})
    return (*sorted((*pip, *rebuilt), key=lambda change: change.name), *conda)


def _differences(
    before: Mapping[str, str], after: Mapping[str, str], lock: str, why: Mapping[str, str]
) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield Change(name=name, before=old, after=new, lock=lock, why=why.get(name, ""))


def _versions(locks: Locks) -> dict[str, str]:
    return {pin.name: pin.version or pin.url or "" for pin in _pins(locks)} or locked_versions(locks.requirements)


def _pins(locks: Locks) -> tuple[Pin, ...]:
    try:
        return locks.pins
    except LockError:
        return ()  # its lines are read one by one


def _rebuilt(before: Locks, after: Locks, lock: str) -> Iterator[Change]:
    """Yield the wheels beside the lock that are other files, though they have the same version."""
    old = {(pin.name, pin.version): pin.hashes for pin in _pins(before) if pin.file}
    for pin in _pins(after):
        if pin.file and old.get((pin.name, pin.version), pin.hashes) != pin.hashes:
            yield Change(name=pin.name, before=pin.version, after=pin.version, lock=lock, why=_REBUILT)


def _conda_versions(locks: Locks) -> dict[str, str]:
    try:
        return {package.name: f"{package.version} {package.build}" for package in locks.conda_packages}
    except LockError:
        return {}
