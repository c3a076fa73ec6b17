"""Choose the image's Python from the requirement in a conda file."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hatch_mlpackage.project.config.keys import DEFAULT_PYTHON
from hatch_mlpackage.project.target import SUPPORTED_PYTHONS

_PIN = re.compile(r"(?:[^\s:]+::)?python\s*(?P<versions>[=<>!~\d*][^\s#]*(?:\s*[,|]\s*[^\s#]+)*)", re.IGNORECASE)
_ITEM = re.compile(r"""^\s*-\s*["']?([^"'#\r\n]*)""", re.MULTILINE)
_PATCHES = 40


def items_of(text: str) -> list[str]:
    """Return the items of the lists in a conda file's text, without a YAML reader."""
    return [found.strip() for found in _ITEM.findall(text)]


def pin_of(requirements: Iterable[str]) -> str:
    """Return the requirement that pins Python (`python=3.8.13`), or the empty string."""
    return next((one.strip() for one in requirements if _PIN.fullmatch(one.strip())), "")


def python_for(pin: str) -> str:
    """Return the Python of an image for a pin: the default version where it is allowed, else the newest."""
    found = _PIN.fullmatch(pin)
    versions = found["versions"].replace(" ", "") if found else ""
    allowed = [version for version in reversed(SUPPORTED_PYTHONS) if _allows(versions, version)]
    return DEFAULT_PYTHON if DEFAULT_PYTHON in allowed else next(iter(allowed), "")


def _allows(versions: str, python: str) -> bool:
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
