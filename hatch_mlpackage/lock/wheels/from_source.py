"""Build the wheels of the packages that `build-from-source` names, and of no others.

Which version that is, the resolver decides with all other requirements. What a version needs is known once it was
built: the resolver then decides again, until every version that it chooses was built.
"""

from __future__ import annotations

import email.parser
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.built_wheels import BuiltRecord, BuiltWheel, built_records
from hatch_mlpackage.lock.pins.header import split_header
from hatch_mlpackage.lock.pins.pins import Pin, installed_pins, locked_versions
from hatch_mlpackage.lock.pins.wheel_records import Vendored, is_locked, sha256_of
from hatch_mlpackage.lock.resolve import uv
from hatch_mlpackage.lock.resolve.attempt import Attempt
from hatch_mlpackage.lock.resolve.keep import resolve_keeping
from hatch_mlpackage.lock.resolve.task import Task
from hatch_mlpackage.lock.resolve.uv_resolve import resolve
from hatch_mlpackage.lock.wheels.archives import fetch_archive, find_archives, has_wheel
from hatch_mlpackage.lock.wheels.build_archive import build_archive
from hatch_mlpackage.project.target import Target

_Key = tuple[str, str]  # a name and a version
_MOST_BUILDS = 20
_KEY = "build-from-source"


def build_named(
    requirements: Requirements,
    target: Target,
    *,
    folder: Path,
    wheels: Path,
    vendored: tuple[Vendored, ...] = (),
    previous: str | None = None,
    upgrade: bool = False,
    report: Callable[[str], None] = print,
) -> tuple[BuiltWheel, ...]:
    """Return a wheel for each package that is to be built and that the requirements need.

    A wheel of the `previous` lock in `wheels` is kept while its archive is the same, unless `upgrade`. New wheels lie
    below `folder`. Raises LockError or UnavailableError.
    """
    names = _names(requirements, vendored)
    if not names or not (requirements.requirements or vendored):
        return ()
    if uv.find_uv() is None:
        raise LockError('build-from-source needs uv. Install it with: pip install "hatch-mlpackage[cli]"')
    task = Task(folder=folder, requirements=requirements, target=target, upgrade=upgrade, report=report)
    kept = _Kept() if upgrade else _kept(previous or "", wheels, target)
    built: dict[_Key, BuiltWheel] = {}
    while True:
        needs = {key: needs_of(wheel.path) for key, wheel in built.items()}
        chosen = _choose(task, uv.Unbuilt(names=names, needs=needs), vendored, kept.versions)
        lacking = [pin for pin in chosen if _key(pin) not in built]
        if not lacking:
            return tuple(built[_key(pin)] for pin in chosen)
        if len(built) + len(lacking) > _MOST_BUILDS:
            tried = ", ".join(sorted(f"{name} {version}" for name, version in built))
            raise LockError(f"No versions that go together were found after building {tried}. Pin the version of one.")
        for pin in lacking:
            built[_key(pin)] = kept.wheel_of(pin) or _build(pin, task, len(built))


def _names(requirements: Requirements, vendored: tuple[Vendored, ...]) -> tuple[str, ...]:
    """Return the names of the packages to build, without those that come from a folder or a URL."""
    asked = map(Requirement, requirements.requirements)
    apart = {it.name for it in asked if it.url is not None} | {wheel.name for wheel in vendored}
    return tuple(name for name in requirements.built if name not in apart)


def _choose(
    task: Task, unbuilt: uv.Unbuilt, vendored: tuple[Vendored, ...], kept: Mapping[str, str]
) -> tuple[Pin, ...]:
    attempt = Attempt(
        requirements=task.requirements,
        target=task.target,
        resolve=partial(resolve, unbuilt=unbuilt),
        vendored=vendored,
        upgrade=task.upgrade,
        report=task.report,
    )
    found, _ = resolve_keeping(attempt, kept)
    return tuple(pin for pin in found.pins if pin.name in unbuilt.names)


def _key(pin: Pin) -> _Key:
    return pin.name, pin.version or ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """What an earlier lock has: the versions of its packages, and the whole wheels that were built for it."""

    versions: Mapping[str, str] = field(default_factory=dict)
    wheels: Mapping[_Key, BuiltWheel] = field(default_factory=dict)

    def wheel_of(self, pin: Pin) -> BuiltWheel | None:
        """Return the wheel of a pin whose archive the index still has."""
        wheel = self.wheels.get(_key(pin))
        return wheel if wheel is not None and wheel.record.digest in pin.hashes else None


def _kept(previous: str, wheels: Path, target: Target) -> _Kept:
    header, _ = split_header(previous)
    records = {record.file: record for record in built_records(previous)}
    versions = locked_versions(previous) | {record.name: record.version for record in records.values()}
    try:
        pins = installed_pins(previous, target)
    except LockError:
        return _Kept(versions=versions)
    same_python = header is not None and header.python == target.python  # another one may need other packages
    whole = [
        BuiltWheel(
            path=wheels / pin.file,
            name=pin.name,
            version=pin.version or "",
            sha256=sha256_of(wheels / pin.file),
            record=records[pin.file],
        )
        for pin in pins
        if same_python and pin.file in records
        if (wheels / pin.file).is_file() and is_locked(wheels / pin.file, pin, target)
    ]
    return _Kept(versions=versions, wheels={(wheel.name, wheel.version): wheel for wheel in whole})


def _build(pin: Pin, task: Task, number: int) -> BuiltWheel:
    folder = task.folder / f"archive-{number}"
    folder.mkdir()
    own = replace(task, folder=folder)
    if has_wheel(own, pin):
        task.report(f"{pin} has a wheel for the image: unless you want another, take {pin.name} out of {_KEY}.")
    (archive,) = find_archives(own, [pin])
    made = build_archive(archive, fetch_archive(own, archive), own)
    record = BuiltRecord(file=made.path.name, archive=archive.file, digest=archive.digest, is_reduced=made.is_reduced)
    return BuiltWheel(
        path=made.path, name=pin.name, version=pin.version or "", sha256=sha256_of(made.path), record=record
    )


def needs_of(wheel: Path) -> uv.Needs:
    """Return what a wheel's METADATA says that it needs."""
    with zipfile.ZipFile(wheel) as archive:
        place = next(name for name in archive.namelist() if name.count("/") == 1 and name.endswith("info/METADATA"))
        fields = email.parser.HeaderParser().parsestr(archive.read(place).decode("utf-8", "replace"))
    return uv.Needs(
        requires=tuple(fields.get_all("Requires-Dist", ())),
        extras=tuple(fields.get_all("Provides-Extra", ())),
        python=fields.get("Requires-Python", ""),
    )
