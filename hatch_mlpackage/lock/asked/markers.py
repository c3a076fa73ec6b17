"""Evaluate environment markers for the image, never for the machine that runs this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, UndefinedComparison, UndefinedEnvironmentName

from hatch_mlpackage.project.target import Target

if TYPE_CHECKING:
    from packaging.markers import Marker
    from packaging.requirements import Requirement


def marker_environment(target: Target) -> dict[str, str]:
    """Return PEP 508's variables for the image, with 0 as the third number of its Python, as uv has it."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{target.python}.0",
        "os_name": "posix",
        "platform_machine": target.architecture,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{target.python}.0",
        "python_version": target.python,
        "sys_platform": "linux",
        "extra": "",
    }


def applies(requirement: Requirement, target: Target) -> bool:
    """Tell whether a requirement counts in the image."""
    return requirement.marker is None or marker_applies(requirement.marker, target)


def marker_applies(marker: Marker, target: Target) -> bool:
    """Tell whether a marker holds in the image."""
    try:
        return marker.evaluate(marker_environment(target))
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return True
