"""Read the entries of a hashed requirements file: what is pinned, and to which files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.asked.pip_file import Line, logical_lines
from hatch_mlpackage.project.target import is_version

WHEELS_FOLDER = "wheels"  # the folder beside a lock with the wheels that no index has
_HASH = r"sha(?:256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})"
_ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?:\[[^\]]*\])?"
    r"(?:\s*==\s*(?P<version>[^\s;=]+)|\s*@\s*(?P<url>\S+))"
    rf"(?P<marker>\s*;[^#]*?)?(?P<hashes>(?:\s+--hash[= ]{_HASH})*)"
)
_VENDORED = re.compile(rf"\./{WHEELS_FOLDER}/(?P<file>[\w.+!-]+\.whl)(?P<hashes>(?:\s+--hash[= ]{_HASH})*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One locked distribution: its canonical name, version or wheel URL, and `algorithm:hexdigest` of its files."""

    name: str
    version: str | None
    url: str | None
    hashes: tuple[str, ...]
    line: int

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version is not None else f"{self.name} @ {self.url}"


@lru_cache(maxsize=8)  # several steps of a run need the pins of a lock that may have thousands of lines
def read_pins(text: str) -> tuple[Pin, ...]:
    """Read every pin of a lock; raise LockError at the first line that is not a pin with hashes."""
    return tuple(_pin(line) for line in logical_lines(text) if not line.text.startswith("--"))


def needed_by_others(text: str) -> frozenset[str]:
    """Return the names of the pins that other packages need, according to the resolver's `# via` comments."""
    needed, name = set(), ""
    for line in text.splitlines():
        entry = re.match(r"([A-Za-z0-9][\w.-]*)\s*(?:==|@)", line)
        name = canonicalize_name(entry[1]) if entry else name
        via = re.match(r"    #(?: via)?\s+(?!-)[A-Za-z0-9]", line)
        needed |= {name} if via else set()
    return frozenset(needed)


def _pin(line: Line) -> Pin:
    vendored = _VENDORED.fullmatch(line.text)
    if vendored is not None:
        return _vendored_pin(vendored, line)
    entry = _ENTRY.fullmatch(line.text)
    if entry is None:
        raise LockError(f"line {line.number} is not a locked requirement: `{line.text[:80]}`")
    name = canonicalize_name(entry["name"])
    hashes = tuple(re.findall(_HASH, entry["hashes"]))
    if not hashes:
        raise LockError(f"line {line.number}: {name} has no hash")
    if entry["version"] is not None and not is_version(entry["version"]):
        raise LockError(f"line {line.number}: {name}'s version `{entry['version']}` is not one")
    return Pin(name=name, version=entry["version"], url=entry["url"], hashes=hashes, line=line.number)


def _vendored_pin(entry: re.Match[str], line: Line) -> Pin:
    hashes = tuple(re.findall(_HASH, entry["hashes"]))
    if not hashes:
        raise LockError(f"line {line.number}: {entry['file']} has no hash")
    try:
        name, version, _, _ = parse_wheel_filename(entry["file"])
    except InvalidWheelFilename:
        raise LockError(f"line {line.number}: `{entry['file']}` is no wheel's file name") from None
    return Pin(name=name, version=str(version), url=None, hashes=hashes, line=line.number)


def kept_pins(text: str | None) -> str:
    """Return the bare `name==version` lines of an earlier lock, damaged or not, for a resolver to start from.

    The hashes are left out: pip-tools would copy them unchecked, so an edited hash would stay for ever, and the hash of
    a wheel that was uploaded later would never come in.
    """
    found = re.findall(r"(?m)^([A-Za-z0-9][\w.-]*==[^\s;\\=]+)(?=[\s;\\]|$)", text or "")
    return "".join(f"{pin}\n" for pin in dict.fromkeys(found))
