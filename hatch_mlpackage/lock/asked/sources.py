"""Read the requirements that no index has: folders, archives, URLs and repositories, which are vendored as wheels.

Reading one never builds it, so its name may be unknown until `mlpackage lock` has built its wheel.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from posixpath import splitext
from urllib.parse import unquote, urlsplit

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.tree import is_derived, walk
from hatch_mlpackage.lock.asked.markers import marker_applies
from hatch_mlpackage.lock.asked.requirement_line import CREDENTIALS_FIX, RefusedRequirementError
from hatch_mlpackage.project.target import Target
from hatch_mlpackage.redaction import has_credentials

REMOTE = "-"  # in place of a digest: the content of a URL is fetched only when it is locked anew
_REPOSITORY = re.compile(r"(?i)(?:git|hg|svn|bzr)\+\S+")
_ARCHIVE = re.compile(r"(?i)\S+\.(?:whl|tar\.gz|tgz|tar\.bz2|tar\.xz|zip)(?:#\S*)?")
_REMOTE_ARCHIVE = re.compile(r"(?i)https?://\S+\.(?:tar\.gz|tgz|tar\.bz2|tar\.xz|zip)(?:[?#]\S*)?")
_LOCAL = re.compile(r"(?i)file:\S+|\.{1,2}(?:[/\\\[].*)?|[/\\].+|[a-z]:[/\\].+")
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*@\s*(?P<place>.+)")
_BUILT_AT_THE_TOP = frozenset({"build", "dist"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A requirement to be built; `location` is a URL, or a path relative to the project's root.

    The lock records it by its `text`; `digest` is `sha256:…` of a local source's files, or `REMOTE`.
    """

    text: str
    location: str
    digest: str
    name: str | None = None
    extras: tuple[str, ...] = ()
    marker: str = ""

    @property
    def is_local(self) -> bool:
        return self.digest != REMOTE

    def applies(self, target: Target) -> bool:
        """Tell whether it counts in the image."""
        return not self.marker or marker_applies(Marker(self.marker), target)


def read_source(text: str, root: Path, folder: Path, left_out: Collection[Path] = ()) -> Source | None:
    """Read a requirement that must be built, or return None for one that an index has.

    Relative paths start at the root, as for a pip that runs there, or else at `folder`, which holds the requirement.
    Raises RefusedRequirementError.
    """
    requirement, marker = _split_marker(text)
    named = _NAMED.fullmatch(requirement)
    place = named["place"].strip() if named else requirement
    name, extras = (named["name"], named["extras"] or "") if named else (None, "")
    if _REPOSITORY.fullmatch(place) or _REMOTE_ARCHIVE.fullmatch(place):
        return _remote(place, name, extras, marker)
    if not (_LOCAL.fullmatch(place) or (not named and _ARCHIVE.fullmatch(place) and "://" not in place)):
        return None
    place, _, in_brackets = place.partition("[")  # `./lib[extra]`
    location, digest = _find_local(place, (root, folder), left_out)
    return _source(location, name, extras or in_brackets.rstrip("]"), marker, digest)


def files_of(tree: Path, left_out: Collection[Path] = ()) -> Iterator[tuple[str, Path]]:
    """Yield the path within a folder, and the path, of every file that its wheel may be made of, sorted."""

    def skip(place: str, path: Path) -> bool:
        return is_derived(place, path) or _is_built(place) or real_path(path) in left_out

    yield from sorted(walk(tree, skip))


def _is_built(place: str) -> bool:
    """Tell whether a build of the wheel leaves it beside the sources."""
    return splitext(place)[1] == ".egg-info" or place in _BUILT_AT_THE_TOP


def _split_marker(text: str) -> tuple[str, str]:
    # After a URL or a path a marker needs a space before its semicolon, as they may hold one.
    requirement, _, marker = (part.strip() for part in re.sub(r"\s;\s*", "\0", text, count=1).partition("\0"))
    try:
        return requirement, str(Marker(marker)) if marker else ""
    except InvalidMarker as error:
        reason = str(error).partition("\n")[0]
        raise RefusedRequirementError(f"its marker cannot be read: {reason}.", "Correct what follows ` ; `.") from error


def _remote(place: str, name: str | None, extras: str, marker: str) -> Source:
    if has_credentials(place):
        raise RefusedRequirementError("the URL holds credentials.", CREDENTIALS_FIX)
    if "${" in place:
        raise RefusedRequirementError("an environment variable stands in the URL.", "Write its value.")
    egg = re.search(r"[#&]egg=([\w.-]+)(?:\[([^\]]*)\])?", place)
    if egg and name is None:
        name, extras = egg[1], egg[2] or ""
    return _source(place, name, extras, marker, REMOTE)


def _find_local(place: str, folders: tuple[Path, Path], left_out: Collection[Path]) -> tuple[str, str]:
    """Return a path relative to the first folder, and its digest."""
    root = folders[0]
    path = _path_of_url(place) if place.lower().startswith("file:") else place
    found = next((folder / path for folder in folders if (folder / path).exists()), None)
    if found is None:
        raise RefusedRequirementError(f"{path} does not exist.", "Correct the path (relative to the project's folder).")
    relative = Path(os.path.relpath(found, root)).as_posix()
    location = relative if relative == "." or relative.startswith("..") else f"./{relative}"
    if found.is_dir() and not any((found / file).is_file() for file in ("pyproject.toml", "setup.py")):
        raise RefusedRequirementError(
            f"{location} is a folder without pyproject.toml or setup.py.", "Name a folder that pip can install."
        )
    try:
        return location, digest_of(found, left_out)
    except OSError as error:
        raise RefusedRequirementError(
            f"{error.filename} cannot be read: {error.strerror}.", "Give yourself permission, or remove it."
        ) from error


def _path_of_url(url: str) -> str:
    return unquote(urlsplit(url).path)


def digest_of(path: Path, left_out: Collection[Path] = ()) -> str:
    """Return `sha256:…` of a file, or of all files of a folder with their paths and executable bits."""
    if path.is_file():
        return f"sha256:{hash_file(path)}"
    digest = hashlib.sha256()
    for place, file in files_of(path, left_out):
        executable = "x" if os.access(file, os.X_OK) else "-"
        digest.update(f"{executable} {hash_file(file)} {place}\n".encode("utf-8", "surrogateescape"))
    return f"sha256:{digest.hexdigest()}"


def _source(location: str, name: str | None, extras: str, marker: str, digest: str) -> Source:
    asked = tuple(sorted({canonicalize_name(extra.strip()) for extra in extras.split(",") if extra.strip()}))
    wanted = f"[{','.join(asked)}]" if asked else ""
    canonical = canonicalize_name(name) if name else None
    what = f"{canonical}{wanted} @ {location}" if canonical else f"{location}{wanted}"
    return Source(
        text=f"{what} ; {marker}" if marker else what,
        location=location,
        digest=digest,
        name=canonical,
        extras=asked,
        marker=marker,
    )
