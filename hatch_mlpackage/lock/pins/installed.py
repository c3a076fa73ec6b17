"""Compare the pins of a lock with the packages of an environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

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


def _is_same(version: str, other: str) -> bool:
    try:
        return Version(version) == Version(other)
    except InvalidVersion:
        return version == other
