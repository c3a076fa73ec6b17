"""Check a project's name and version, which reach paths, image names, command lines and labels."""

from __future__ import annotations

import re

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from hatch_mlpackage.errors import Problems

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# What PEP 440 allows in a normal version, and what the version of a model may hold.
_VERSION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.!+_-]*[A-Za-z0-9_])?")
LONGEST = 100  # characters of a name or a version: both are in the name of one folder, which has at most 255


def is_identity(name: str, version: str) -> bool:
    """Tell whether a normal name and a version can stand in a path, an image name and a command line."""
    fits = len(name) <= LONGEST and len(version) <= LONGEST
    return fits and _NAME.fullmatch(name) is not None and _VERSION.fullmatch(version) is not None


def read_name(name: str, problems: Problems) -> str | None:
    """Return the normal form of a project's name (PEP 508), or report why there is none."""
    try:
        normal: str = canonicalize_name(name, validate=True)
    except InvalidName:
        normal = ""
    if name.isascii() and is_identity(normal, "0"):
        return normal
    problems.add(
        "project.name",
        f"{name!r} is not a project's name.",
        f"Use letters, digits, dashes, dots and underscores, a letter or digit first and last, and at most {LONGEST}.",
    )
    return None


def read_version(version: str, problems: Problems) -> str | None:
    """Return the normal form of a project's version (PEP 440), as Hatch spells it, or report why there is none."""
    try:
        normal = str(Version(version))
    except InvalidVersion:
        normal = ""
    if version == version.strip() and is_identity("0", normal):
        return normal
    problems.add("project.version", f"{version!r} is not a version.", 'Write one as PEP 440 says, such as "1.2.0".')
    return None
