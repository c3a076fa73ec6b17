"""Turn a conda requirement, as people write it, into a canonical match spec, or say why it cannot be solved."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from hatch_mlpackage.lock.asked.requirement_line import RefusedRequirementError

_NAME = r"[A-Za-z0-9_][\w.-]*"
_VERSION = r"[A-Za-z0-9_*][\w.*+!-]*"
_CONSTRAINT = rf"(?:===|==|!=|>=|<=|~=|=|>|<)?{_VERSION}"
_SPEC = re.compile(
    rf"(?:(?P<channel>[^\s:\[\]=<>!~]+(?:://[^\s\[\]]+?)?)::)?(?P<name>{_NAME})"
    rf"(?:\s*(?P<version>{_CONSTRAINT}(?:[,|]{_CONSTRAINT})*)(?:(?:\s+|=)(?P<build>[\w.*^$+-]+))?)?"
    r"\s*(?P<brackets>\[[^\[\]]*=[^\[\]]*\])?"
)
_PIP_FIX = "Put it into the pip list: `- pip:` and below it, further in, `- {text}`."

# The pattern of a mistake that people make, what is wrong with it, and what to write instead.
_REFUSED = tuple(
    (re.compile(pattern), what, fix)
    for pattern, what, fix in (
        (r"(?i)^(?:git|hg|svn|bzr)\+|^https?://.*(?:\.whl|\.zip|\.tar\.gz)(?:[?#]|$)|\s@\s", "is for pip.", _PIP_FIX),
        (r"^-", "is an option, and conda specs have none.", _PIP_FIX),
        (r";", "has an environment marker, which is pip's.", _PIP_FIX),
        (
            r"^[\w.-]+\[[^=\]]*\]",
            "names extras, which are pip's.",
            "Name the packages that the extra brings, or put it into the pip list.",
        ),
        (r"=>|=<", "has its operator the wrong way round.", "Write `>=` or `<=`."),
        (r"^\S+:\s*$", "ends in a colon without a list below it.", "Remove the colon, or indent the list below it."),
    )
)


def canonical_spec(text: str) -> str:
    """Return `[channel::]name [version [build]] [brackets]` in one spelling; raise RefusedRequirementError.

    Spaces around operators, upper-case names, pip's `==1.2.*` and conda's `=1.2` all have one canonical form.
    """
    for pattern, what, fix in _REFUSED:
        if pattern.search(text):
            raise RefusedRequirementError(what, fix.format(text=text))
    found = _SPEC.fullmatch(re.sub(r"\s*([=<>!~,|]+)\s*", r"\1", text.strip()))
    if found is None:
        raise RefusedRequirementError(
            "is not a conda requirement.",
            "Write `name`, `name=1.2`, `name==1.2.3`, `name>=1,<2`, `name=1.2=build` or `channel::name`.",
        )
    channel = f"{found['channel']}::" if found["channel"] else ""
    version = _version(found["version"] or "", has_build=bool(found["build"]))
    parts = (f"{channel}{found['name'].lower()}", version, found["build"] or "", found["brackets"] or "")
    return " ".join(part for part in parts if part)


def _version(text: str, *, has_build: bool) -> str:
    constraints = re.split(r"([,|])", text)
    if len(constraints) > 1:
        return "".join(part if part in ",|" else _constraint(part) for part in constraints)
    if has_build and re.match(r"=?[A-Za-z0-9]", text):
        return text if "*" in text else f"=={text.lstrip('=')}"  # conda: with a build, a single `=` is exact
    return _constraint(text)


def _constraint(text: str) -> str:
    """Spell one constraint: `=1.2` and `==1.2.*` are `1.2.*`, a bare `1.2` and `===1.2` are `==1.2`."""
    operator, version = re.fullmatch(r"([=<>!~]*)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    stem = version.rstrip("*").rstrip(".")
    if not stem:
        return "*" if version else ""
    if operator == "=" or (operator in {"", "=="} and version.endswith("*")):
        return f"{stem}.*"
    if operator in {"", "==="}:
        operator = "=="
    # `!=1.2.*` excludes every 1.2; with the other operators the star means nothing.
    return f"{operator}{stem}" if operator != "!=" or stem == version else f"!={stem}.*"


def package_name(spec: str) -> str:
    """Return the name of the package in a canonical spec."""
    return spec.split(" ", maxsplit=1)[0].rpartition("::")[2]


def version_of(spec: str) -> str:
    """Return the version constraint of a canonical spec, or ""."""
    words = spec.partition("[")[0].split()
    return words[1] if len(words) > 1 else ""


def allows(spec: str, versions: Iterable[str]) -> bool:
    """Tell whether a canonical spec's version constraint allows any of the versions; True if unknown."""
    tried = list(versions)
    return any(_any_within(one, tried) for one in version_of(spec).split("|"))


def _any_within(constraints: str, versions: list[str]) -> bool:
    try:
        wanted = SpecifierSet(",".join(map(_as_pep440, filter(None, constraints.split(",")))))
        return any(wanted.contains(Version(version), prereleases=True) for version in versions)
    except (InvalidSpecifier, InvalidVersion):
        return True


def _as_pep440(constraint: str) -> str:
    if constraint == "*":
        return ">=0a0"
    return constraint if constraint[0] in "=<>!~" else f"=={constraint}"
