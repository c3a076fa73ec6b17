"""Convert Poetry's version constraints to the specifiers of PEP 440, and its Python constraints to markers.

https://python-poetry.org/docs/dependency-specification/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

_ALTERNATIVES = re.compile(r"\s*\|\|?\s*")
_PARTS = re.compile(
    r"(?P<operator>\^|~=|~|===|==|!=|<>|<=|>=|<|>|=)?\s*(?P<version>(?:[^\s,|<>=!~^]|!(?!=))+)(?:\s*,\s*|\s+|$)"
)
_ANY = re.compile(r"[vV]?[xX*](?:\.[xX*])*")
_WILDCARD = re.compile(r"(?P<version>\d+(?:\.\d+)*)(?:\.\*)+")
_MINOR = 2  # numbers of a version
_KNOWN_OPERATORS = frozenset({"", "=", "==", "!=", "<", "<=", ">", ">="})


def specifier(constraint: str) -> str:
    """Return the same constraint as pip writes it, empty for any version.

    Raises ValueError, with what is wrong, for a constraint that is none and for one that pip cannot express.
    """
    alternatives = [list(_converted(text)) for text in _ALTERNATIVES.split(constraint.strip())]
    parts = alternatives[0] if len(alternatives) == 1 else _union(alternatives, constraint)
    try:
        SpecifierSet(",".join(parts))
    except InvalidSpecifier as error:
        raise ValueError(f"'{constraint}' is not a version constraint: {error}") from None
    return ",".join(parts)


def python_marker(constraint: str) -> str:
    """Return a marker for a constraint on the version of Python, empty for any; raise ValueError as `specifier`."""
    alternatives = [list(_converted(text)) for text in _ALTERNATIVES.split(constraint.strip())]
    if not all(alternatives):
        return ""
    joined = [" and ".join(map(_comparison, parts)) for parts in alternatives]
    return joined[0] if len(joined) == 1 else " or ".join(f"({one})" for one in joined)


def _converted(text: str) -> Iterator[str]:
    """Yield the specifiers of constraints that all hold."""
    text = text.strip().rstrip(",").rstrip()
    at = 0
    if not text:
        raise ValueError("an empty constraint")
    while at < len(text):
        part = _PARTS.match(text, at)
        if part is None:
            raise ValueError(f"'{text}' is not a version constraint")
        yield from _one(part["operator"] or "", part["version"])
        at = part.end()


def _one(operator: str, text: str) -> Iterator[str]:
    wildcard = _WILDCARD.fullmatch(text.removeprefix("v"))
    if _ANY.fullmatch(text) and not operator:
        return
    if wildcard and operator in {"", "=", "==", "!="}:
        yield f"{'!=' if operator == '!=' else '=='}{wildcard['version']}.*"
        return
    version = _version(wildcard["version"] if wildcard else text)
    if operator in {"^", "~", "~="}:
        yield f">={version}"
        yield f"<{_upper(operator, version)}"
    elif operator in _KNOWN_OPERATORS:
        yield f"{'==' if operator in {'', '='} else operator}{version}"
    else:
        raise ValueError(f"'{operator}{text}' is not a version constraint")


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise ValueError(f"'{text}' is not a version") from None


def _upper(operator: str, version: Version) -> str:
    """Return the version below which `^`, `~` and `~=` stay."""
    release = list(version.release)
    if operator == "~=":
        place = max(len(release) - 2, 0)
    elif operator == "~":
        place = 0 if len(release) == 1 else 1
    else:  # the first number that is not zero, or the last one that is given, of three at most
        place = next((index for index, number in enumerate(release[:2]) if number), min(len(release), 3) - 1)
    upper = [*release[:place], release[place] + 1]
    padded = upper + [0] * (max(_MINOR, len(release) if operator == "~=" else _MINOR) - len(upper))
    return f"{version.epoch}!" * bool(version.epoch) + ".".join(map(str, padded))


def _union(alternatives: list[list[str]], constraint: str) -> list[str]:
    """Join ranges that leave no gap, which is all that pip can express."""
    if not all(alternatives):
        return []
    spans = sorted((_span(parts, constraint) for parts in alternatives), key=lambda span: span[0] or Version("0.dev0"))
    low, high = spans[0]
    for next_low, next_high in spans[1:]:
        if high is not None and next_low is not None and next_low > high:
            raise ValueError(f"'{constraint}' has a gap, which one requirement of pip cannot express")
        high = None if high is None or next_high is None else max(high, next_high)
    return [f"{operator}{end}" for operator, end in ((">=", low), ("<", high)) if end is not None]


def _span(parts: Iterable[str], constraint: str) -> tuple[Version | None, Version | None]:
    """Return the ends of a range: the first version in it, and the first one after it."""
    low = high = None
    for part in parts:
        wildcard = re.fullmatch(r"==([\d.]+)\.\*", part)
        if wildcard:
            low = Version(wildcard[1])
            high = Version(".".join(map(str, [*low.release[:-1], low.release[-1] + 1])))
        elif part.startswith(">="):
            low = Version(part[2:])
        elif re.match(r"<(?!=)", part):
            high = Version(part[1:])
        else:
            raise ValueError(f"'{constraint}' joins more than ranges, which one requirement of pip cannot express")
    return low, high


def _comparison(part: str) -> str:
    """Return a specifier as a comparison of markers: `python_version` has two numbers, and no patch release."""
    found = re.fullmatch(r"([<>=!]+)(.+)", part)
    if found is None:
        raise ValueError(f"'{part}' is not a version constraint")
    operator, version = found.groups()
    numbers = version.removesuffix(".*").count(".") + 1
    if operator in {">", "<="} or numbers > _MINOR:
        return f'python_full_version {operator} "{version}"'
    return f'python_version {operator} "{version}"'
