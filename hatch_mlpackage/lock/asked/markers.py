"""Evaluate environment markers for the image; those of what a person installs, for the machine that runs this."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement

from hatch_mlpackage.project.target import Target

_WORDS = frozenset({"and", "or", "in", "not"})
# The patch release of the image's Python and the kernel under it are known only when it runs.
_UNKNOWN = frozenset({"extra", "implementation_version", "platform_release", "platform_version", "python_full_version"})
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def marker_environment(target: Target) -> dict[str, str]:
    """Return PEP 508's variables for the image, with the patch release of its Python that uv is asked for."""
    return {
        "implementation_name": "cpython",
        "implementation_version": target.full_python,
        "os_name": "posix",
        "platform_machine": target.architecture,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": target.full_python,
        "python_version": target.python,
        "sys_platform": "linux",
        "extra": "",
    }


def applies(requirement: Requirement, target: Target) -> bool:
    """Tell whether a requirement counts in the image."""
    return requirement.marker is None or marker_applies(requirement.marker, target)


def for_this_machine(requirements: Iterable[str]) -> Iterator[str]:
    """Yield the requirements that count on this machine, without the markers that say so."""
    for requirement in map(Requirement, requirements):
        if requirement.marker is None or requirement.marker.evaluate():
            requirement.marker = None
            yield str(requirement)


def marker_applies(marker: Marker, target: Target) -> bool:
    """Tell whether a marker holds in the image."""
    try:
        return marker.evaluate(marker_environment(target))
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return True


def holds(marker: Marker | None, target: Target, extras: Iterable[str]) -> bool:
    """Tell whether a marker holds in the image, for any of the extras that are asked for or for none."""
    environment = marker_environment(target)
    try:
        return marker is None or any(marker.evaluate({**environment, "extra": it}) for it in ("", *extras))
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return True


def is_certain(marker: Marker | None) -> bool:
    """Tell whether the truth of a marker, for given extras, is known before the image runs."""
    words = re.findall(r"[\w.]+", _QUOTED.sub(" ", str(marker or "")))
    return _UNKNOWN.isdisjoint({*words} - {"extra"})


@lru_cache(maxsize=64)
def known_marker(text: str) -> Marker:
    """Read a marker whose truth in an image is certain; raise ValueError, with what is wrong, for any other.

    pip decides by it in the image what is installed, so a guess will not do.
    """
    try:
        marker = Marker(text)
    except InvalidMarker:
        raise ValueError("cannot be read") from None
    known = marker_environment(Target(python="3.12", platform="linux/amd64", libc="musl"))
    try:
        marker.evaluate(known)
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        raise ValueError("cannot be evaluated") from None
    for variable in re.findall(r"[\w.]+", _QUOTED.sub(" ", text)):
        if variable not in (known.keys() - _UNKNOWN) | _WORDS:
            raise ValueError(f"depends on {variable}, which is unknown before the image runs")
    return marker
