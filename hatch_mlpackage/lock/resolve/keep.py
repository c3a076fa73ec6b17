"""Resolve and keep the versions of the earlier lock: a pin moves only where it has to, for a reason that is given."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.asked.markers import applies
from hatch_mlpackage.lock.resolve.attempt import Attempt, Resolved, resolve_once
from hatch_mlpackage.project.target import Target

_LONGEST_SHOWN = 240


def resolve_keeping(attempt: Attempt, versions: Mapping[str, str]) -> tuple[Resolved, Mapping[str, str]]:
    """Resolve with the versions of an earlier lock; also return why each package that had to move did.

    A resolver that merely prefers them moves one where another order of its choices would have kept it.
    """
    excluded = dict(_excluded(attempt, versions))
    apart = {*excluded, *(wheel.name for wheel in attempt.vendored), *(wheel.name for wheel in attempt.built)}
    fixed = {name: version for name, version in versions.items() if name not in apart}
    try:
        found, why = resolve_once(replace(attempt, fixed=fixed)), excluded
    except LockError:
        if not fixed:
            raise
        found, reasons = _with_fewest_moves(attempt, fixed)
        why = excluded | reasons
    return found, {name: why[name] for name in why if name in _moved(found, versions)}


def _excluded(attempt: Attempt, versions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the packages whose version is no longer asked for, and the requirement that says so."""
    asked = attempt.requirements
    for requirement in map(Requirement, (*asked.requirements, *asked.constraints)):
        version = versions.get(requirement.name)
        if version is None or not applies(requirement, attempt.target):
            continue
        if requirement.url is not None or not requirement.specifier.contains(version, prereleases=True):
            yield requirement.name, f"{requirement} is asked for"


def _moved(found: Resolved, versions: Mapping[str, str]) -> list[str]:
    return [pin.name for pin in found.pins if versions.get(pin.name, pin.version) != pin.version]


def _with_fewest_moves(attempt: Attempt, fixed: Mapping[str, str]) -> tuple[Resolved, dict[str, str]]:
    """Resolve where not all versions can stay, and give each that moved back as far as the others allow it."""
    found = _preferring(attempt, fixed)
    moved = sorted(_moved(found, fixed))
    attempt.report(f"Not every locked version can stay: finding out which of {', '.join(moved)} have to move.")
    kept = {name: version for name, version in fixed.items() if name not in moved}
    why: dict[str, str] = {}
    for name in moved:
        try:
            found = resolve_once(replace(attempt, fixed={**kept, name: fixed[name]}))
            kept[name] = fixed[name]
        except LockError as error:
            why[name] = _reason(" ".join(str(error).split()), name, fixed[name], attempt.target)
    return found, why


def _preferring(attempt: Attempt, versions: Mapping[str, str]) -> Resolved:
    preferred = "".join(f"{name}=={version}\n" for name, version in versions.items())
    try:
        return resolve_once(replace(attempt, preferred=preferred))
    except LockError:
        return resolve_once(attempt)  # pip-tools gives up on some of the versions that it starts from


def _reason(said: str, name: str, version: str, target: Target) -> str:
    """Say in a few words why a version cannot stay, from what a resolver printed about it."""
    this = rf"{re.escape(name)}(?:\[[^\]]*\])?"
    no_wheel = f"no index has a wheel of it for {target}"
    if re.search(rf"\b{this}=={re.escape(version)} has no |no versions? of {this}=={re.escape(version)}", said):
        return no_wheel
    for by, wanted in re.findall(rf"([\w.\[\]-]+(?:[=<>!~]=?\S+| [\d][\w.+!]*)?) depends on {this}([=<>!~]\S+)", said):
        if not _contains(wanted, version):
            return f"{by} needs {name}{wanted.rstrip('.,')}"
    own = re.search(rf"\b{this}(?:[=<>!~]+| )[\w.+!*]+ depends on (\S+)", said)
    if own:
        return f"it needs {own[1].rstrip('.,')}, which something else excludes"
    if f"(constraint) {name}=={version}" in said:
        return no_wheel
    return textwrap.shorten(said, _LONGEST_SHOWN, placeholder="…")


def _contains(wanted: str, version: str) -> bool:
    try:
        return SpecifierSet(wanted.rstrip(".,")).contains(version, prereleases=True)
    except InvalidSpecifier:
        return False
