"""Turn one requirement, as people write it, into its canonical PEP 508 string, or say why it cannot be locked."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from hatch_mlpackage.files.parse import CONFLICT
from hatch_mlpackage.redaction import has_credentials

AS_REQUIREMENT = "Name it as a requirement, `./lib` or `git+https://…`: `mlpackage lock` then vendors it as a wheel."
CREDENTIALS_FIX = (
    "Take the user name, password or token out of the file, and give it to the resolver through its own "
    "configuration: ~/.netrc, keyring, or UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD."
)


class RefusedRequirementError(ValueError):
    """Refuse a requirement, with what is wrong and the next step."""

    def __init__(self, what: str, fix: str) -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what} {fix}")


# Each entry: the pattern of something people write, what is wrong with it, and what to write instead.
_REFUSED = tuple(
    (re.compile(pattern), what, fix)
    for pattern, what, fix in (
        (f"^{CONFLICT[0]}", *CONFLICT[1:]),
        (r"\{\{|\}\}|\{%", "a template placeholder is not filled in.", "Write the requirement itself in its place."),
        (
            r"\$\{\w+\}",
            "an environment variable would make the lock differ from machine to machine.",
            "Write its value; for a password or token use the resolver's own configuration.",
        ),
        (r"^(?:.*@\s*)?(?:git|hg|svn|bzr)\+", "a version control URL cannot be used here.", AS_REQUIREMENT),
        (r"(?:^|@\s*)(?i:file:)", "a file URL cannot be used here.", AS_REQUIREMENT),
        (
            r"^(?:\.{0,2}[/\\]|\.{1,2}$|~|[A-Za-z]:[/\\])|^(?!https?:)[^\s@]*(?i:\.whl|\.tar\.gz|\.tgz|\.zip)$",
            "a local path cannot be used here.",
            AS_REQUIREMENT,
        ),
        (
            r"^[\w.\-]+(?:\[[^\]]*\])?\s*=\s*[^=\s]",
            "a single `=` is conda's spelling; pip compares versions with two.",
            "Write `name==version`.",
        ),
        (
            r"^pip3?\s+install\s",
            "this is a shell command, not a requirement.",
            "Leave `pip install` out, and write one requirement per line.",
        ),
    )
)


def canonical(text: str) -> str:
    """Return the canonical PEP 508 string of a requirement; raise RefusedRequirementError."""
    if has_credentials(text):
        raise RefusedRequirementError("the URL holds credentials.", CREDENTIALS_FIX)
    is_url = re.match(r"(?i)https?://", text)
    for pattern, what, fix in _REFUSED:
        if pattern.search(text):
            raise RefusedRequirementError(what, fix)
    requirement = _parse(f"{_name_in_wheel_url(text)} @ {text}" if is_url else text)
    if requirement.url is not None:
        _name_in_wheel_url(requirement.url)
    return _written(requirement)


def _parse(text: str) -> Requirement:
    try:
        return Requirement(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise RefusedRequirementError(
            f"this is not a requirement that pip understands: {reason}.",
            "Write `name`, `name==1.2`, `name[extra]>=1,<2` or `name; python_version < '3.11'`.",
        ) from error


def _written(requirement: Requirement) -> str:
    """Write a requirement alike with every version of `packaging`: a lock's input digest covers the text."""
    extras = ",".join(sorted(canonicalize_name(extra) for extra in requirement.extras))
    named = canonicalize_name(requirement.name) + (f"[{extras}]" if extras else "")
    what = ",".join(sorted(map(str, requirement.specifier))) if requirement.url is None else f" @ {requirement.url} "
    return f"{named}{what}; {requirement.marker}" if requirement.marker else f"{named}{what}".rstrip()


def _name_in_wheel_url(text: str) -> str:
    """Return the distribution's name from the file name at the end of a wheel's URL."""
    url = text.partition(";")[0].strip()
    try:
        file_name = unquote(urlsplit(url).path).rpartition("/")[2]
        return parse_wheel_filename(file_name)[0]
    except (InvalidWheelFilename, ValueError) as error:
        raise RefusedRequirementError(
            "the URL names neither a wheel (.whl) nor a source archive (.tar.gz, .zip).", AS_REQUIREMENT
        ) from error
