"""Read and write explicit conda locks (CEP 23) by hand: a bare `hatch build` has no conda library.

Such a lock is `@EXPLICIT` and one `url#hash` for each package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from hatch_mlpackage.errors import LockError, Problems
from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.pins.pins import require_plain
from hatch_mlpackage.project.target import is_version
from hatch_mlpackage.redaction import has_credentials, redact

MARK = "@EXPLICIT"
# A vendored channel lies here in the build's first stage; a lock names this folder and not one of some machine.
CHANNEL_ROOT = "file:///opt/mlpackage/channel"
_LICENSE = "# license: "
# micromamba installs what such a comment names.
_FOR_PIP = re.compile(r"(?i)#+ *pip\b")
_ENTRY = re.compile(
    r"(?P<base>[a-z][a-z0-9+.-]*://[^\s#]+)/(?P<subdir>[a-z0-9-]+)/(?P<file>[^\s#/]+(?:\.conda|\.tar\.bz2))"
    r"#(?:(?P<md5>[0-9a-f]{32})|(?:sha256:)?(?P<sha256>[0-9a-f]{64}))"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaPackage:
    """Describe a locked conda package, with at least one of `sha256` and `md5`, and its author's own `license`."""

    url: str
    subdir: str
    file: str
    sha256: str
    md5: str
    license: str = ""
    line: int = 0

    @property
    def name(self) -> str:
        return self._parts[0]

    @property
    def version(self) -> str:
        return self._parts[1]

    @property
    def build(self) -> str:
        return self._parts[2]

    @property
    def _parts(self) -> list[str]:
        # The file is called `name-version-build`, and only the name may contain dashes.
        return [unquote(part) for part in re.sub(r"\.conda$|\.tar\.bz2$", "", self.file).rsplit("-", 2)]

    @property
    def is_for_python(self) -> bool:
        """Tell by the build string, which begins with `py` for packages that Python imports: py311h…, pyhd8…, py_0."""
        return re.search(r"(?:^|_)py(?:_|\d|h)", self._parts[2]) is not None

    @property
    def channel(self) -> str:
        """Return the channel's short name, or "" for a vendored package."""
        return "" if self.is_vendored else self.url.split("/")[-3]

    @property
    def is_vendored(self) -> bool:
        return self.url.startswith(f"{CHANNEL_ROOT}/")

    @property
    def has_credentials(self) -> bool:
        """Whether the URL holds a password or a token, or a variable for one."""
        return "${" in self.url or has_credentials(self.url.rpartition("/")[0], is_index=True)

    def __str__(self) -> str:
        return f"{self.url}#{f'sha256:{self.sha256}' if self.sha256 else self.md5}"


def parse_package(text: str, line: int = 0) -> CondaPackage | None:
    """Read one `url#hash`; return None if the text is not a package's URL with a hash."""
    found = _ENTRY.fullmatch(text)
    if found is None or found["file"].count("-") < 2:  # noqa: PLR2004 - name-version-build
        return None
    return CondaPackage(
        url=f"{found['base']}/{found['subdir']}/{found['file']}",
        subdir=found["subdir"],
        file=found["file"],
        sha256=found["sha256"] or "",
        md5=found["md5"] or "",
        line=line,
    )


def write_explicit(packages: tuple[CondaPackage, ...], subdir: str) -> str:
    """Return the body of a lock, for packages sorted with dependencies first."""
    # No installer looks before the mark; the bill of materials needs the licences.
    licenses = (f"{_LICENSE}{package.name} {_one_line(package.license)}" for package in packages if package.license)
    return "".join(f"{line}\n" for line in (f"# platform: {subdir}", *licenses, MARK, *map(str, packages)))


def _one_line(text: str) -> str:
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def read_conda_packages(body: str) -> tuple[CondaPackage, ...]:
    """Read a lock's packages strictly; raise LockError at the first line that no lock has."""
    require_plain(body)
    found: dict[str, CondaPackage] = {}
    licenses: dict[str, str] = {}
    for number, line in enumerate(body.split("\n"), 1):
        if line.startswith(_LICENSE):
            name, _, licenses[name] = line.removeprefix(_LICENSE).partition(" ")
        if not line or line == MARK or (line.startswith("#") and not _FOR_PIP.match(line)):
            continue
        package = parse_package(line, number)
        if package is None:
            raise LockError(f"line {number} is not a locked conda package: `{redact(line, is_index=True)[:80]}`")
        if package.has_credentials:
            raise LockError(f"line {number}: the URL of {package.file} holds credentials")
        other = found.setdefault(package.name, replace(package, license=licenses.get(package.name, "")))
        if other.line != number:
            raise LockError(f"line {number}: {package.name} is locked again, after line {other.line}")
    return tuple(found.values())


def is_explicit(text: str) -> bool:
    return any(line.strip() == MARK for line in text.splitlines())


def read_foreign(text: str, path: str, subdir: str, problems: Problems) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Read another tool's explicit file: return its packages for the platform, and conda-lock's lines for pip."""
    packages, pip = [], []
    for number, line in enumerate((line.strip() for line in text.splitlines()), 1):
        where = f"{path}:{number}"
        for_pip = re.fullmatch(r"# pip (\S+) @ (\S+?)(?:#sha256[=:]([0-9a-f]{64}))?", line)
        if for_pip:
            digest = f"#sha256={for_pip[3]}" if for_pip[3] else ""
            pip.append(Line(number, f"{for_pip[1]} @ {for_pip[2]}{digest}"))
        elif line and not line.startswith(("#", "@")):
            found = parse_package(line, number)
            if found is None:
                problems.add(
                    where, f"`{redact(line, is_index=True)[:120]}` is not a package's URL with its hash.", _HASH_FIX
                )
            elif found.subdir not in {subdir, "noarch"}:
                problems.add(where, f"{found.file} is for {found.subdir}, the image is {subdir}.", _PLATFORM_FIX)
            elif found.url.startswith("file:"):
                problems.add(where, f"{found.file} is a file that only one machine has.", _FILE_FIX)
            elif found.has_credentials:
                problems.add(where, f"the URL of {found.file} holds credentials.", CREDENTIALS_FIX)
            else:
                packages.append(Line(number, str(found)))
    return tuple(packages), tuple(pip)


CREDENTIALS_FIX = (
    "Whoever has the image could read them. Lock it with the plain URL of the channel, and give the credentials to the "
    "programs that read it: ~/.netrc, `conda token set` or `pixi auth login`."
)
_HASH_FIX = "Write it with hashes: `conda list --explicit --sha256`, or `--md5` with older releases."
_PLATFORM_FIX = "Give a file made for the image's platform, or change platform in [tool.mlpackage]."
_FILE_FIX = "Give the URL of its channel, or name the environment file, and the folder as conda-channel."


def proven_sha256(path: Path, expected: str) -> str:
    """Return a vendored package's hash, which no reader of `file://` compares with the channel's index or the lock.

    Raises LockError if the package cannot be read or has another hash.
    """
    try:
        found = hash_file(path)
    except OSError as error:
        raise LockError(f"{path}: the vendored package cannot be read: {error.strerror}.") from error
    if expected and found != expected:
        raise LockError(
            f"{path}: the vendored package is not the one that was asked for: its sha256 should be {expected}, "
            f"it is {found}. Restore the file, or index the channel anew and run `mlpackage lock`."
        )
    return found


def as_constraints(packages: tuple[CondaPackage, ...]) -> tuple[str, ...]:
    """Return `name==version` of each package that pip may know too and must not replace."""
    return tuple(
        f"{package.name}=={package.version}"
        for package in packages
        if package.is_for_python and is_version(package.version) and re.fullmatch(r"[a-z0-9][\w.-]*", package.name)
    )
