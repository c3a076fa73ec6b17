"""Find the Python that conda's requirements ask for, and choose the image's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hatch_mlpackage.project.config.keys import DEFAULT_PYTHON
from hatch_mlpackage.project.target import SUPPORTED_PYTHONS

_PIN = re.compile(r"(?:[^\s:]+::)?python\s*(?P<versions>[=<>!~\d*][^\s#]*(?:\s*[,|]\s*[^\s#]+)*)", re.IGNORECASE)
_ITEM = re.compile(r"""^\s*-\s*["']?([^"'#\r\n]*)""", re.MULTILINE)
_PATCHES = 40


def items_of(text: str) -> list[str]:
    """Return the items of the lists in a conda file's text, without a YAML reader."""
    return [found.strip() for found in _ITEM.findall(text)]


def requirement_name(requirement: str) -> str:
    """Return the package that a requirement of conda or pip names; a wheel's path names its own."""
    if requirement.endswith(".whl"):
        return requirement.rpartition("/")[2].partition("-")[0]
    return re.split(r"[\[=<>~!; @]", requirement, maxsplit=1)[0].strip()


def python_index(requirements: Iterable[Any]) -> int | None:
    """Return the position of the requirement for Python among conda's dependencies; None where there is none."""
    items = enumerate(requirements)
    return next((index for index, item in items if isinstance(item, str) and requirement_name(item) == "python"), None)


def python_version(requirements: Iterable[Any]) -> str | None:
    """Return the version of Python that conda's dependencies ask for; None where any version will do."""
    items = list(requirements)
    index = python_index(items)
    found = None if index is None else re.search(r"\d+(?:\.\d+)*", items[index])
    return found[0] if found else None


def pin_of(requirements: Iterable[str]) -> str:
    """Return the requirement that pins Python (`python=3.8.13`), or the empty string."""
    return next((one.strip() for one in requirements if _PIN.fullmatch(one.strip())), "")


def python_for(pin: str) -> str:
    """Return the Python of an image for a pin: the default version where it is allowed, else the newest."""
    allowed = [version for version in reversed(SUPPORTED_PYTHONS) if allows_python(pin, version)]
    return DEFAULT_PYTHON if DEFAULT_PYTHON in allowed else next(iter(allowed), "")


def allows_python(pin: str, python: str) -> bool:
    """Tell whether a pin (`python=3.8.13`) allows some patch release of a Python (`3.8`)."""
    found = _PIN.fullmatch(pin)
    versions = found["versions"].replace(" ", "") if found else ""
    return any(_is_within(alternative, python) for alternative in versions.split("|"))


def _is_within(constraints: str, python: str) -> bool:
    try:
        wanted = SpecifierSet(",".join(_as_pep440(one) for one in constraints.split(",") if one))
    except InvalidSpecifier:
        return False
    return any(wanted.contains(f"{python}.{patch}") for patch in range(_PATCHES))


def _as_pep440(constraint: str) -> str:
    """Spell conda's constraint as pip's: `=3.8`, `3.8` and `3.8.*` mean every 3.8; build strings are dropped."""
    operator, version = constraint[: len(constraint) - len(constraint.lstrip("=<>!~"))], constraint.lstrip("=<>!~")
    version = version.partition("=")[0].removesuffix(".*").removesuffix("*") or "0"
    if operator in {"", "=", "==", "==="}:
        return f"=={version}.*" if version != "0" else ">=0"
    return f"{operator}{version}.*" if operator == "!=" and constraint.endswith("*") else f"{operator}{version}"
