"""Compare every line of a lock with what is asked: what is missing in it, and what nothing asks for.

An index's hashes are unknown here. `lock --check --online` compares those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement

from hatch_mlpackage.lock.asked.markers import applies
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.built_wheels import built_records
from hatch_mlpackage.lock.pins.closure import unneeded, wanted_by
from hatch_mlpackage.lock.pins.header import Header
from hatch_mlpackage.lock.pins.pins import LockedLines, Pin, read_lines
from hatch_mlpackage.lock.pins.wheel_records import asked_sources, changed, name_of, selected_from
from hatch_mlpackage.project.target import Target
from hatch_mlpackage.redaction import redact


def unmet(header: Header, lock: str, requirements: Requirements, target: Target) -> Iterator[str]:
    """Yield each difference between a lock and what is asked; raise LockError for a line that no lock may have."""
    lines = read_lines(lock)
    installed = {pin.name: pin for pin in lines.installed(target)}
    yield from _other_options(lines, requirements)
    yield from _not_met(header, installed, requirements, target, lines)
    yield from _foreign_urls(lines.pins, requirements, target)
    yield from changed(lock, lines.pins, requirements, target)
    if selected_from(lock):
        return  # its pins are compared with the file that they were selected from
    vendored = {record.file for record in asked_sources(lock, requirements, target)}
    built = {record.file for record in built_records(lock)}
    roots = {asked.name for _, asked in _applying(requirements.requirements, target)}
    roots |= {name for file in vendored if (name := name_of(file))}
    for name in unneeded(installed.keys(), roots, wanted_by(lock)):
        pin = installed[name]
        # The others were compared above, because each has to be asked for by itself.
        if pin.url is None and (not pin.file or pin.file in built):
            yield f"nothing that is asked for needs {pin} (line {pin.line})"


def _other_options(lines: LockedLines, requirements: Requirements) -> Iterator[str]:
    """Yield each option that pip would obey and nobody gave, and those that were given and are not in the lock."""
    given = [option for option in requirements.options if option != "--pre"]
    written = [line.text for line in lines.options]
    unasked = [line for line in lines.options if line.text not in given]
    yield from (f"nothing asks for `{redact(line.text)}` (line {line.number})" for line in unasked)
    yield from (f"`{option}` is asked for, the lock has no such line" for option in given if option not in written)
    late = [line for line in lines.options if lines.pins and line.number > lines.pins[0].line]
    if set(given) == set(written) and (given != written or late):
        yield "its options are not those that are asked for, in that order, before the first pin"


def _applying(texts: Iterable[str], target: Target) -> list[tuple[str, Requirement]]:
    read = [(text, Requirement(text)) for text in texts]
    return [(text, requirement) for text, requirement in read if applies(requirement, target)]


def _not_met(
    header: Header, installed: dict[str, Pin], requirements: Requirements, target: Target, lines: LockedLines
) -> Iterator[str]:
    elsewhere = {pin.name: pin for pin in lines.pins if pin.name not in installed}
    limits = [it for it in _applying(requirements.constraints, target) if it[1].name in installed]
    for text, requirement in (*_applying(requirements.requirements, target), *limits):
        other = elsewhere.get(requirement.name)
        if other is not None:
            found = [f"{other} only where {other.marker}, which the image is not"]
        else:
            found = list(_not_meeting(requirement, installed.get(requirement.name), header))
        yield from (f"{text} is asked for, the lock has {it}" for it in found)


def _not_meeting(requirement: Requirement, pin: Pin | None, header: Header) -> Iterator[str]:
    if pin is None:
        yield f"no {requirement.name}"
        return
    if not _meets(requirement, pin):
        yield str(pin)
    for extra in sorted(requirement.extras - header.extras.get(requirement.name, frozenset())):
        yield f"{pin} without its extra {extra}"


def _meets(requirement: Requirement, pin: Pin) -> bool:
    if requirement.url is None:
        return pin.version is None or requirement.specifier.contains(pin.version, prereleases=True)
    _, _, wanted = requirement.url.partition("#sha256=")
    same_file = not wanted or pin.hashes == (f"sha256:{wanted.lower()}",)
    return same_file and _address(requirement.url) == _address(pin.url or "")


def _address(url: str) -> str:
    return url.partition("#")[0]


def _foreign_urls(pins: Iterable[Pin], requirements: Requirements, target: Target) -> Iterator[str]:
    """Yield each pin of a file by its URL that no requirement and no constraint names."""
    both = (*requirements.requirements, *requirements.constraints)
    named = {(it.name, _address(it.url)) for _, it in _applying(both, target) if it.url is not None}
    for pin in pins:
        if pin.url is None:
            continue
        _, _, fragment = pin.url.partition("#")
        plain = not fragment or fragment.replace("=", ":", 1) in pin.hashes
        if (pin.name, _address(pin.url)) not in named or not plain:
            yield f"nothing asks for {pin} (line {pin.line})"
