"""Find out why a lock has an older version of a requirement than the newest that it allows, which no resolver says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.version import Version

from hatch_mlpackage.errors import LockError, Problem, UnavailableError
from hatch_mlpackage.lock.asked.markers import applies
from hatch_mlpackage.lock.resolve import uv, uv_resolve
from hatch_mlpackage.lock.resolve.attempt import Attempt, Resolved, resolve_once
from hatch_mlpackage.project.target import Target

CODE = "older-version"
# How uv names a package that it can take from no index: `lib==1.0 has no usable wheels`, `lib was not found in …`.
_WITHOUT_WHEEL = re.compile(
    r"\b([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?(?:[=<>!~][^\s]*)?"
    r" (?:(?:has|have) no (?:usable )?wheels|was not found in the package registry)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _PassedOver:
    name: str
    locked: str
    newest: str

    def __str__(self) -> str:
        return f"{self.name} {self.locked} ({self.newest} is there)"


def find_passed_over(attempt: Attempt, found: Resolved, kept: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return a warning for each older version that a missing wheel led to, and one hint about all others.

    `kept` are the versions of the earlier lock, which may be old because nobody asked for newer ones.
    """
    asked = _newly_locked(attempt, found, kept)
    if not asked:
        return ()
    if uv.find_uv() is None:
        attempt.report("Whether newer versions were passed over, and why, only uv can find out: it is not installed.")
        return ()
    try:
        return tuple(_problems(attempt, list(_older(attempt, asked, found)), has_kept=bool(kept)))
    except (LockError, UnavailableError) as error:
        attempt.report(f"Whether newer versions were passed over is unknown: {str(error).splitlines()[0]}")
        return ()


def _newly_locked(attempt: Attempt, found: Resolved, kept: Mapping[str, str]) -> tuple[str, ...]:
    """Return the requirements of an index with a choice of versions, unless the version that they had was kept."""
    versions = {pin.name: pin.version for pin in found.pins if not pin.file}
    asked = [(text, Requirement(text)) for text in attempt.requirements.requirements]
    return tuple(
        text
        for text, requirement in asked
        if requirement.url is None and applies(requirement, attempt.target) and not _is_exact(requirement)
        if versions.get(requirement.name) not in {None, kept.get(requirement.name)}
    )


def _is_exact(requirement: Requirement) -> bool:
    return any(it.operator in {"==", "==="} and not it.version.endswith("*") for it in requirement.specifier)


def _older(attempt: Attempt, asked: tuple[str, ...], found: Resolved) -> Iterator[_PassedOver]:
    """Compare the pins with the newest versions that each of the requirements allows by itself."""
    alone = replace(attempt.requirements, requirements=asked, hashes=())
    newest = resolve_once(
        replace(attempt, requirements=alone, vendored=(), resolve=uv.newest_of_each, preferred="", fixed={})
    )
    locked = {pin.name: pin.version for pin in found.pins}
    for pin in newest.pins:
        version = locked.get(pin.name)
        if version and pin.version and Version(version) < Version(pin.version):
            yield _PassedOver(name=pin.name, locked=version, newest=pin.version)


def _problems(attempt: Attempt, older: list[_PassedOver], *, has_kept: bool) -> Iterator[Problem]:
    others = []
    for one in older:
        lacking = _without_wheel(attempt, one)
        if lacking is None:
            continue
        if lacking:
            yield _warning(one, lacking, attempt.target)
        else:
            others.append(str(one))
    if others:
        kept = ", or the versions that stay locked" if has_kept else ""
        yield Problem(
            where="",
            what=f"older versions than the newest were locked because of the other requirements{kept}: "
            f"{', '.join(others)}.",
            fix="`mlpackage lock --upgrade` lets them all move." if has_kept else "Loosen those for newer versions.",
            level="hint",
            code=CODE,
        )


def _without_wheel(attempt: Attempt, one: _PassedOver) -> tuple[str, ...] | None:
    """Resolve with the newest version of a package, and return the names of those that have no wheel for the image.

    Returns None for a version that is not for the image's Python: an index need not say so in its list of files.
    """
    newest = replace(attempt, resolve=uv_resolve.resolve, preferred="", fixed={one.name: one.newest}, upgrade=False)
    try:
        resolve_once(newest)
    except LockError as error:
        said = " ".join(str(error).split())
        if f"{one.name}=={one.newest} requires Python" in said:
            return None
        return tuple(sorted({found[1] for found in _WITHOUT_WHEEL.finditer(said)} - {one.name}))
    return ()


def _warning(one: _PassedOver, lacking: tuple[str, ...], target: Target) -> Problem:
    names, them = " and ".join(lacking), "it" if len(lacking) == 1 else "them"
    return Problem(
        where=one.name,
        what=(
            f"{one.locked} is locked and not {one.newest}, which needs {names}, of which no index has a wheel for "
            f"{target}."
        ),
        fix=(
            f"If there is a source archive of {names}, add {them} to build-from-source, and run `mlpackage lock "
            f"--upgrade`, which builds the wheel. Or pin {one.name} to the version that you want. Or leave it out, and "
            "name those of its packages that the script imports."
        ),
        level="warning",
        code=CODE,
    )
