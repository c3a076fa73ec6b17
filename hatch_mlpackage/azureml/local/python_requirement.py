"""Find the Python that a list of conda requirements asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def package_name(requirement: str) -> str:
    """Return the package that a requirement of conda or pip names; a wheel's path names its own."""
    if requirement.endswith(".whl"):
        return requirement.rpartition("/")[2].partition("-")[0]
    return re.split(r"[\[=<>~!; @]", requirement, maxsplit=1)[0].strip()


def python_index(requirements: Iterable[Any]) -> int | None:
    """Return the position of the requirement for Python among conda's dependencies; None where there is none."""
    items = enumerate(requirements)
    return next((index for index, item in items if isinstance(item, str) and package_name(item) == "python"), None)


def python_version(requirements: Iterable[Any]) -> str | None:
    """Return the version of Python that conda's dependencies ask for; None where any version will do."""
    items = list(requirements)
    index = python_index(items)
    found = None if index is None else re.search(r"\d+(?:\.\d+)*", items[index])
    return found[0] if found else None
