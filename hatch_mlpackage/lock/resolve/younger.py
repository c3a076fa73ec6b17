"""Find what is locked for an old Python in versions years younger than the pinned ones, with which they may not go.

No resolver can know that: packages of that time seldom set upper limits.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

from hatch_mlpackage.errors import LockError, Problem, UnavailableError
from hatch_mlpackage.lock.resolve import uv, uv_resolve
from hatch_mlpackage.lock.resolve.advice import is_pin
from hatch_mlpackage.lock.resolve.attempt import Attempt, Resolved, resolve_once
from hatch_mlpackage.lock.resolve.task import CONSTRAINTS, INPUT, KEPT, Task
from hatch_mlpackage.project.target import OLD_PYTHONS

YOUNGER = "younger-version"
_TOO_LONG = timedelta(days=2 * 365)
_SHOWN = 3
# Packages of data that get older than they should, and that any code goes with.
_OF_TODAY = frozenset({"certifi", "pytz", "tzdata"})


def find_younger(attempt: Attempt, found: Resolved, kept: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return a hint with a day whose versions can be locked too, if newly locked ones are years younger than the pins.

    There is none where the index does not say when its files were uploaded, or where the user has chosen a day.
    """
    if attempt.target.python not in OLD_PYTHONS or uv.find_uv() is None or os.environ.get("UV_EXCLUDE_NEWER"):
        return ()
    try:
        return _hint(attempt, found, kept)
    except (LockError, UnavailableError) as error:
        attempt.report(f"When packages were uploaded is unknown: {str(error).splitlines()[0]}")
        return ()


def _hint(attempt: Attempt, found: Resolved, kept: Mapping[str, str]) -> tuple[Problem, ...]:
    asked = {it.name for it in map(Requirement, attempt.requirements.requirements) if is_pin(it)} - _OF_TODAY
    days = _days(attempt, found) if asked else {}
    pinned = max((name for name in asked if name in days), key=lambda name: days[name], default="")
    if not pinned:
        return ()
    versions = {pin.name: pin.version for pin in found.pins}
    new = {name for name in days if versions[name] != kept.get(name)} - asked - _OF_TODAY
    younger = [name for name in new if days[name] - days[pinned] > _TOO_LONG]
    younger.sort(key=lambda name: (-days[name].toordinal(), name))
    day = _resolvable(attempt, days[pinned].year, days[younger[0]].year) if younger else ""
    dated = [f"{name} {versions[name]} of {days[name].year}" for name in (pinned, *younger)]
    return (_problem(dated[0], dated[1:], day),) if day else ()


def _problem(pinned: str, younger: list[str], day: str) -> Problem:
    more = f" and {len(younger) - _SHOWN} more" if len(younger) > _SHOWN else ""
    are = f"{', '.join(younger[:_SHOWN])}{more} {'are' if len(younger) > 1 else 'is'}"
    return Problem(
        where="",
        what=f"{are} years younger than {pinned}, the youngest package that is pinned, and may not go with it.",
        fix=f"For the versions of that time: UV_EXCLUDE_NEWER={day} mlpackage lock --upgrade",
        level="hint",
        code=YOUNGER,
    )


def _days(attempt: Attempt, found: Resolved) -> dict[str, date]:
    """Return the day on which the first wheel of each pin was uploaded, where the index says that."""
    with TemporaryDirectory(prefix="mlpackage-days-") as folder:
        task = Task(
            folder=Path(folder),
            requirements=attempt.requirements,
            target=attempt.target,
            upgrade=False,
            report=attempt.report,
        )
        pins = (f"{pin.name}=={pin.version}\n" for pin in found.pins if not pin.file and pin.url is None)
        for name, text in ((INPUT, "".join(pins)), (CONSTRAINTS, ""), (KEPT, "")):
            (task.folder / name).write_text(text, encoding="utf-8")
        wheels = uv.find_wheels(task)
    times = {name: [it["upload-time"] for it in listed if "upload-time" in it] for name, listed in wheels.items()}
    return {name: min(known).date() for name, known in times.items() if known}


def _resolvable(attempt: Attempt, first: int, last: int) -> str:
    """Return the last day of the first year whose versions can be locked, before the one of those that are locked."""
    for year in range(first, last):
        day = f"{year}-12-31"
        resolve = partial(uv_resolve.resolve_as_of, day)
        try:
            resolve_once(replace(attempt, resolve=resolve, preferred="", fixed={}, upgrade=False))
        except LockError:
            continue
        return day
    return ""
