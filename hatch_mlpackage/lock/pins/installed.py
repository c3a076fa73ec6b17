"""Compare the pins of a lock with the packages of an environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from hatch_mlpackage.lock.pins.pins import Pin


def other_packages(pins: Iterable[Pin], installed: Mapping[str, str]) -> Iterator[str]:
    """Yield each pin that an environment lacks, or has in another version; `installed` maps names to versions.

    Further packages of the environment do not count.
    """
    here: dict[str, str] = {canonicalize_name(name): version for name, version in installed.items()}
    for pin in pins:
        version = here.get(pin.name)
        if version is None:
            yield f"no {pin.name}"
        elif pin.version and not _is_same(version, pin.version):
            yield f"{pin.name} {version} instead of {pin.version}"


def missing_requirements(requirements: Iterable[str], installed: Mapping[str, str], python: str) -> Iterator[str]:
    """Yield each requirement, a PEP 508 string, that a Python X.Y of this machine needs and whose package it lacks."""
    here = {canonicalize_name(name) for name in installed}
    for text in requirements:
        requirement = Requirement(text)
        needed = requirement.marker is None or requirement.marker.evaluate({"python_version": python})
        if needed and canonicalize_name(requirement.name) not in here:
            requirement.marker = None
            yield str(requirement)


def _is_same(version: str, other: str) -> bool:
    try:
        return Version(version) == Version(other)
    except InvalidVersion:
        return version == other
