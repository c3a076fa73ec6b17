"""Make a lock: choose a resolver, let it keep the earlier pins, and put the header before its output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hatch_mlpackage.errors import LockError, Problem
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.built_wheels import BuiltWheel, with_built
from hatch_mlpackage.lock.pins.header import split_header, with_header
from hatch_mlpackage.lock.pins.pins import Pin, locked_versions
from hatch_mlpackage.lock.pins.wheel_records import Vendored, with_records
from hatch_mlpackage.lock.resolve import pip_tools, uv, uv_resolve
from hatch_mlpackage.lock.resolve.attempt import Attempt, resolve_once
from hatch_mlpackage.lock.resolve.keep import resolve_keeping
from hatch_mlpackage.lock.resolve.passed_over import find_passed_over
from hatch_mlpackage.lock.resolve.task import Task
from hatch_mlpackage.lock.resolve.younger import find_younger
from hatch_mlpackage.project.target import Target

Locker = Literal["uv", "pip-tools"]
_INSTALL = 'Install it with: pip install "hatch-mlpackage[cli]"'


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """The whole text of a lock; `why` maps each package that could not keep its version to the reason.

    `notes` are warnings and hints about older versions than the requirements allow.
    """

    text: str
    why: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def make_lock(
    requirements: Requirements,
    target: Target,
    *,
    locker: Locker = "uv",
    previous: str | None = None,
    upgrade: bool = False,
    report: Callable[[str], None] = print,
    vendored: tuple[Vendored, ...] = (),
    built: tuple[BuiltWheel, ...] = (),
) -> Made:
    """Make a lock for the image.

    Pins of `previous` are kept where they still fit, unless `upgrade`; `vendored` are the wheels of the sources, and
    `built` those of the packages that are built from source.
    Raises LockError where the requirements cannot be locked, UnavailableError where the network or an index failed.
    """
    # The image installs from the indexes that the project names; the lock does not name those of this machine.
    options = "".join(f"{option}\n" for option in requirements.options if option != "--pre")
    if not requirements.requirements and not vendored:
        return Made(text=with_header(options, requirements, target))
    resolve = _choose(locker, target, report)
    report(f"Locking {_counted(len(requirements.requirements) + len(vendored), 'requirement')} for {target}.")
    attempt = Attempt(
        requirements=requirements,
        target=target,
        resolve=resolve,
        vendored=vendored,
        built=built,
        upgrade=upgrade,
        report=report,
    )
    kept = {} if upgrade else locked_versions(previous)
    if kept:
        _report_other_python(previous or "", target, report)
    found, why = resolve_keeping(attempt, kept)
    hashes = sum(len(pin.hashes) for pin in found.pins)
    report(f"Locked {_counted(len(found.pins), 'package')} with {_counted(hashes, 'hash', 'hashes')}.")
    pinned = {pin.file for pin in found.pins}
    records = with_built(found.body, [wheel for wheel in built if wheel.path.name in pinned])
    return Made(
        text=with_header(options + with_records(records, vendored), requirements, target),
        why=why,
        notes=(*find_passed_over(attempt, found, kept), *find_younger(attempt, found, kept)),
    )


def _report_other_python(previous: str, target: Target, report: Callable[[str], None]) -> None:
    """Say that versions stay which were chosen for another Python, and may be older than this one's newest."""
    earlier, _ = split_header(previous)
    if earlier is not None and earlier.python != target.python:
        report(
            f"Versions that were locked for Python {earlier.python} stay where they fit Python {target.python}, too: "
            "`mlpackage lock --upgrade` takes newer ones."
        )


def resolve_again(
    requirements: Requirements,
    target: Target,
    pins: Iterable[Pin],
    vendored: tuple[Vendored, ...],
    built: tuple[BuiltWheel, ...] = (),
    *,
    report: Callable[[str], None] = print,
) -> tuple[Pin, ...]:
    """Return the pins that the requirements need now, in the versions of the given pins; errors as above.

    LockError also means that these versions do not go together.
    """
    if not requirements.requirements and not vendored:
        return ()
    # As an earlier output, which a resolver starts from, they would only be preferred.
    fixed = {pin.name: pin.version for pin in pins if pin.version is not None and not pin.file}
    resolve = _choose("uv", target, report)
    return resolve_once(
        Attempt(
            requirements=requirements,
            target=target,
            resolve=resolve,
            vendored=vendored,
            built=built,
            fixed=fixed,
            report=report,
            is_check=True,
        )
    ).pins


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _choose(locker: Locker, target: Target, report: Callable[[str], None]) -> Callable[[Task], None]:
    if locker == "uv" and uv.find_uv() is not None:
        return uv_resolve.resolve
    if not pip_tools.is_installed():
        wanted = "pip-tools" if locker == "pip-tools" else "uv"
        raise LockError(f"The resolver {wanted} is not installed. {_INSTALL}")
    pip_tools.require_host(target)
    if locker == "uv":
        report("uv is not installed: locking with pip-tools, which takes longer.")
    return pip_tools.resolve
