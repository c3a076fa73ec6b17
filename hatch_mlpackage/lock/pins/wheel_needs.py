"""Follow what wheels say that they need: unlike the comments in a lock, their hashes prove it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hatch_mlpackage.lock.asked.markers import applies, holds, is_certain
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.pins import Pin, installed_pins
from hatch_mlpackage.lock.pins.wheel_records import asked_sources, name_of
from hatch_mlpackage.project.target import Target

_LARGEST = 4 << 20  # bytes of METADATA


def unlike_the_wheels(wheels: Iterable[Path], lock: str, requirements: Requirements, target: Target) -> Iterator[str]:
    """Yield what the wheels at hand need and the lock lacks, and the pins that nothing needs if all wheels are there.

    The wheels are those of the pins in the lock, which was checked; their hashes have proven them.
    """
    pins = installed_pins(lock, target)
    needs = {name: found for path in wheels if (name := name_of(path.name)) and (found := _needs(path)) is not None}
    by_name = {pin.name: pin for pin in pins}
    extras = _asked(lock, requirements, target)
    waiting, wrong = [*extras], dict[str, None]()
    while waiting:
        name = waiting.pop()
        for text in needs.get(name, ()):
            needed = Requirement(text)
            if not holds(needed.marker, target, extras[name]):
                continue
            wrong |= dict.fromkeys(_unmet(by_name[name], needed, by_name) if name in by_name else ())
            other = canonicalize_name(needed.name)
            more = {canonicalize_name(extra) for extra in needed.extras}
            if other not in extras or more - extras[other]:
                extras[other] = extras.get(other, frozenset()) | more
                waiting.append(other)
    yield from wrong
    if by_name.keys() <= needs.keys():
        yield from (f"no wheel needs {pin} (line {pin.line})" for pin in pins if pin.name not in extras)


def _asked(lock: str, requirements: Requirements, target: Target) -> dict[str, frozenset[str]]:
    """Map the name of each package that is asked for to its extras."""
    asked = [it for it in map(Requirement, requirements.requirements) if applies(it, target)]
    pairs: list[tuple[str, Iterable[str]]] = [(it.name, it.extras) for it in asked]
    built = asked_sources(lock, requirements, target).items()
    pairs += [(name, source.extras) for record, source in built if (name := name_of(record.file))]
    found: dict[str, frozenset[str]] = {}
    for name, extras in pairs:
        key = canonicalize_name(name)
        found[key] = found.get(key, frozenset()) | {canonicalize_name(extra) for extra in extras}
    return found


def _unmet(pin: Pin, needed: Requirement, by_name: Mapping[str, Pin]) -> Iterator[str]:
    found = by_name.get(canonicalize_name(needed.name))
    if not is_certain(needed.marker):
        return  # the image's patch release of Python decides
    if found is None:
        yield f"{pin} (line {pin.line}) needs {needed.name}, which it lacks"
    elif found.version is not None and not needed.specifier.contains(found.version, prereleases=True):
        yield f"{pin} (line {pin.line}) needs {needed.name}{needed.specifier}, it has {found} (line {found.line})"


def _needs(path: Path) -> tuple[str, ...] | None:
    """Return the requirements in a wheel's METADATA, or None where they cannot be read."""
    status = path.stat()
    return _read(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _read(path: Path, *_: int) -> tuple[str, ...] | None:
    try:
        with zipfile.ZipFile(path) as archive:
            place = next(name for name in archive.namelist() if name.count("/") == 1 and name.endswith("info/METADATA"))
            with archive.open(place) as file:
                text = file.read(_LARGEST).decode("utf-8", "replace")
        import email.parser  # noqa: PLC0415 - few projects have wheels of their own

        found = tuple(email.parser.HeaderParser().parsestr(text).get_all("Requires-Dist", ()))
        for line in found:
            Requirement(line)
    except (OSError, StopIteration, zipfile.BadZipFile, InvalidRequirement, NotImplementedError):
        return None
    return found
