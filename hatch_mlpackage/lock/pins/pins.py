"""Read a lock strictly: the options and the hashed pins that a lock may have, and nothing else that pip would obey."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.asked.markers import known_marker, marker_applies
from hatch_mlpackage.lock.asked.pip_file import Line, logical_lines
from hatch_mlpackage.project.target import Target, is_version
from hatch_mlpackage.redaction import has_credentials, redact

WHEELS_FOLDER = "wheels"  # the folder beside a lock with the wheels that no index has
_LONGEST_SHOWN = 80
_HASH = r"sha256:[0-9a-f]{64}"
_HASHES = rf"(?P<hashes>(?: +--hash={_HASH})*)"
_ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[A-Za-z0-9._, -]*\])?"
    r"(?: *== *(?P<version>[A-Za-z0-9.!+_-]+)| *@ *(?P<url>(?i:https?)://[!-~]+))"
    # Where a word of a marker began with a dash, pip would read options from there on.
    rf"(?: *; *(?P<marker>(?:(?! -)[\w.'\"()<>=!~,+* -])+?))?{_HASHES}",
    re.ASCII,
)
_CODING = re.compile(r"coding[:=]\s*[-\w.]+")
_VENDORED = re.compile(rf"\./{WHEELS_FOLDER}/(?P<file>[A-Za-z0-9_.+!-]+\.whl){_HASHES}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One locked distribution: its canonical name, version or wheel URL, and `sha256:hexdigest` of its files.

    pip installs it where its `marker` holds; `file` is the name of a wheel that lies beside the lock.
    """

    name: str
    version: str | None
    url: str | None
    hashes: tuple[str, ...]
    line: int
    marker: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version is not None else f"{self.name} @ {self.url}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedLines:
    """All that pip reads in a lock: `options` are pip's, as `--name value`."""

    options: tuple[Line, ...]
    pins: tuple[Pin, ...]

    def installed(self, target: Target) -> tuple[Pin, ...]:
        """Return the pins that pip installs in the image; raise LockError for two of one name, as pip does."""
        found: dict[str, Pin] = {}
        for pin in self.pins:
            if pin.marker and not marker_applies(known_marker(pin.marker), target):
                continue
            other = found.setdefault(pin.name, pin)
            if other is not pin:
                raise LockError(f"line {pin.line}: {pin.name} is pinned again, after line {other.line}")
        return tuple(found.values())


@lru_cache(maxsize=8)  # several steps of a run need the pins of a lock that may have thousands of lines
def read_lines(text: str) -> LockedLines:
    """Read a whole lock; raise LockError at the first line that is neither an option nor a pin with hashes."""
    require_plain(text)
    coding = _CODING.search("\n".join(text.split("\n", 2)[:2]))
    if coding:  # pip obeys it (PEP 263), and UTF-7 makes an option of a comment
        raise LockError(f"`{coding[0]}` in its first lines makes pip decode it differently")
    lines = tuple(logical_lines(text))
    for line in lines:
        if "${" in line.text:
            raise LockError(f"line {line.number}: pip would replace an environment variable: `{_shown(line)}`")
    return LockedLines(
        options=tuple(line for line in lines if line.text.startswith("--")),
        pins=tuple(_pin(line) for line in lines if not line.text.startswith("--")),
    )


def read_pins(text: str) -> tuple[Pin, ...]:
    """Read every pin of a lock, whatever its marker; raise LockError at the first line that is not one."""
    return read_lines(text).pins


def installed_pins(text: str, target: Target) -> tuple[Pin, ...]:
    """Read the pins of a lock that pip installs in an image; raise LockError as `read_lines` does."""
    return read_lines(text).installed(target)


def credentials_in(text: str) -> Iterator[str]:
    """Yield each line of a lock that holds a password or a token, with that part hidden."""
    for number, line in enumerate(text.split("\n"), 1):
        # A record names a source as the project does, which is checked there: git+ssh://git@host holds no secret.
        in_url = "://" in line or "=" in line.partition("?")[2]
        if in_url and not line.startswith("# vendored: ") and has_credentials(line):
            yield f"line {number} holds credentials: `{redact(line)[:_LONGEST_SHOWN]}`"


def require_plain(text: str) -> None:
    """Raise LockError for control characters, which readers take for different things, and for undecodable bytes."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.isprintable() and "\ufffd" not in line:
            continue
        odd = next(character for character in line if not character.isprintable() or character == "\ufffd")
        raise LockError(f"line {number} has the character U+{ord(odd):04X}, which no lock has")


def _shown(line: Line) -> str:
    return redact(line.text)[:_LONGEST_SHOWN]


def _pin(line: Line) -> Pin:
    vendored = _VENDORED.fullmatch(line.text)
    if vendored is not None:
        return _vendored_pin(vendored, line)
    entry = _ENTRY.fullmatch(line.text)
    if entry is None:
        raise LockError(f"line {line.number} is not a locked requirement: `{_shown(line)}`")
    name, marker = canonicalize_name(entry["name"]), (entry["marker"] or "").strip()
    hashes = tuple(re.findall(_HASH, entry["hashes"]))
    if not hashes:
        raise LockError(f"line {line.number}: {name} has no hash")
    if entry["version"] is not None and not is_version(entry["version"]):
        raise LockError(f"line {line.number}: {name}'s version `{entry['version']}` is not one")
    try:
        _ = marker and known_marker(marker)
    except ValueError as error:
        raise LockError(f"line {line.number}: {name}'s marker `{marker}` {error}") from None
    return Pin(name=name, version=entry["version"], url=entry["url"], hashes=hashes, line=line.number, marker=marker)


def _vendored_pin(entry: re.Match[str], line: Line) -> Pin:
    hashes = tuple(re.findall(_HASH, entry["hashes"]))
    if not hashes:
        raise LockError(f"line {line.number}: {entry['file']} has no hash")
    try:
        name, version, _, _ = parse_wheel_filename(entry["file"])
    except InvalidWheelFilename:
        raise LockError(f"line {line.number}: `{entry['file']}` is no wheel's file name") from None
    return Pin(name=name, version=str(version), url=None, hashes=hashes, line=line.number, file=entry["file"])


def locked_versions(text: str | None) -> dict[str, str]:
    """Map the packages of an earlier lock, damaged or not, to their versions; one with several versions is left out.

    Nothing else of it counts for the next lock: an edited hash must not stay, and the hash of a wheel that was uploaded
    later must come in.
    """
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)(?=[\s;\\]|$)", text or ""):
        if is_version(version):
            found.setdefault(canonicalize_name(name), set()).add(version)
    return {name: versions.pop() for name, versions in found.items() if len(versions) == 1}
