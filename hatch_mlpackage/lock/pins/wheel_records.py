"""Read what a lock says about the wheels beside it, in comments that pip ignores, and check that they are intact.

# vendored: lib-1.0-py3-none-any.whl sha256:<digest of the sources> from ./lib[extra]
# selected: pylock.toml sha256:<digest of the file>
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.asked.sources import Source
from hatch_mlpackage.lock.pins.built_wheels import built_records, not_as_named
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER, Pin, installed_pins
from hatch_mlpackage.lock.pins.wheel_tags import fits
from hatch_mlpackage.project.target import Target

_VENDORED = re.compile(r"(?m)^# vendored: (?P<file>\S+\.whl) (?P<digest>\S+) from (?P<text>.+)$")
_SELECTED = re.compile(r"(?m)^# selected: \S+ (?P<digest>sha256:[0-9a-f]{64})$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Vendored:
    """A wheel that was built from a source: its path, its name and version, and its sha256 as hex."""

    source: Source
    path: Path
    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A lock's record of one vendored wheel: its file name, the digest of its sources, and the requirement for it."""

    file: str
    digest: str
    text: str


@lru_cache(maxsize=8)
def records(lock: str) -> tuple[Record, ...]:
    return tuple(Record(**line.groupdict()) for line in _VENDORED.finditer(lock))


def with_records(body: str, vendored: tuple[Vendored, ...]) -> str:
    """Prepend a record of each vendored wheel to the body of a lock."""
    lines = (f"# vendored: {it.path.name} {it.source.digest} from {it.source.text}\n" for it in vendored)
    return f"{''.join(lines)}{body}"


def selected_from(lock: str) -> str:
    """Return the digest of the pylock.toml that a lock's pins come from, empty where there is none."""
    found = _SELECTED.search(lock)
    return found["digest"] if found else ""


def asked_sources(lock: str, requirements: Requirements, target: Target) -> dict[Record, Source]:
    """Return the records of the wheels that were built from a source that is asked for, with that source."""
    asked = {source.text: source for source in requirements.sources if source.applies(target)}
    return {record: asked[record.text] for record in records(lock) if record.text in asked}


def changed(lock: str, pins: Iterable[Pin], requirements: Requirements, target: Target) -> Iterator[str]:
    """Yield each difference between the sources that are asked for and the wheels that the lock has of them."""
    built = asked_sources(lock, requirements, target)
    known = {source.text for source in built.values()}
    for source in requirements.sources:
        if source.applies(target) and source.text not in known:
            yield f"{source.text} is asked for, the lock has no wheel of it"
    by_file = {pin.file: pin for pin in pins if pin.file}
    for record, source in built.items():
        yield from _other_wheel(record, source, by_file.get(record.file))
    from_index = {record.file for record in built_records(lock)}
    for file in sorted(by_file.keys() - {record.file for record in built} - from_index):
        yield f"nothing asks for {WHEELS_FOLDER}/{file} (line {by_file[file].line})"
    yield from not_as_named(lock, pins, requirements)
    path, digest = requirements.pylock or ("", "")
    before = selected_from(lock)
    if digest != before:
        said = f"{path} has changed since the lock was selected from it" if before else f"{path} was not asked then"
        yield said if path else "it was selected from a pylock.toml, which no longer counts"


def _other_wheel(record: Record, source: Source, pin: Pin | None) -> Iterator[str]:
    """Yield why a vendored wheel is not that of its source; a wheel that is itself the source has the same bytes."""
    is_wheel = source.is_local and source.location.endswith(".whl")
    if record.digest != source.digest and source.is_local:
        yield f"{source.location} has changed since {record.file} was built from it"
    elif pin is None:
        yield f"{source.text} is asked for, the lock does not pin {WHEELS_FOLDER}/{record.file}"
    elif source.name not in {None, pin.name}:
        yield f"{source.text} is asked for, the lock has {pin} for it"
    elif is_wheel and pin.hashes != (source.digest,):
        yield f"{WHEELS_FOLDER}/{record.file} is not {source.location}"


def files_beside(lock: str) -> dict[str, str]:
    """Map the names of the packages whose wheels only the folder beside the lock has to the names of these files."""
    files = [record.file for record in records(lock)] + [record.file for record in built_records(lock)]
    return {name: file for file in files if (name := name_of(file))}


def without_vendored(lock: str) -> str:
    """Remove from a lock the wheels that lie beside it."""
    return re.sub(rf"(?m)^\./{WHEELS_FOLDER}/(?:.*\\\n)*.*\n", "", lock)


def find_wheels(
    lock: str, folder: Path, target: Target, *, all_wheels: bool
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Return the wheels in `folder` that the pins are installed from, and a reason for each that cannot be used.

    The wheels that no index has are looked for, or with `all_wheels` one for every pin, and recognized by their hashes.
    """
    beside = files_beside(lock)
    there = by_name(folder)
    found: list[Path] = []
    wrong: list[str] = []
    for pin in installed_pins(lock, target):
        file = beside.get(pin.name)
        if file is None and not all_wheels:
            continue
        whole = [path for path in there.get(pin.name, ()) if is_locked(path, pin, target)]
        found += whole[:1]
        if not whole:
            wrong.append(_said(pin, file, folder))
    return tuple(sorted(found)), tuple(wrong)


def _said(pin: Pin, file: str | None, folder: Path) -> str:
    if file is None:
        return f"{WHEELS_FOLDER}/ has no wheel of {pin} for the image"
    return f"{WHEELS_FOLDER}/{file} is {'not the file that was locked' if (folder / file).exists() else 'missing'}"


def is_locked(path: Path, pin: Pin, target: Target) -> bool:
    """Tell whether a wheel is one of a pin's files and loads in the image."""
    kinds = {kind for kind, _, _ in (digest.partition(":") for digest in pin.hashes)}
    return fits(path.name, target) and any(f"{kind}:{_hash_once(path, kind)}" in pin.hashes for kind in kinds)


def name_of(file_name: str) -> str | None:
    """Return the canonical name in a wheel's file name, or None where it is not a wheel's file name."""
    try:
        return parse_wheel_filename(file_name)[0]
    except InvalidWheelFilename:
        return None


def by_name(folder: Path) -> dict[str | None, list[Path]]:
    """Return the wheels in a folder by their canonical names."""
    found: dict[str | None, list[Path]] = {}
    for path in sorted(folder.glob("*.whl")):
        found.setdefault(name_of(path.name), []).append(path)
    found.pop(None, None)
    return found


def sha256_of(path: Path) -> str:
    return _hash_once(path, "sha256")


def _hash_once(path: Path, kind: str) -> str:
    status = path.stat()
    return _hash_unchanged(path, kind, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=4096)
def _hash_unchanged(path: Path, kind: str, *_: int) -> str:
    """Read a file once: a wheelhouse of gigabytes is asked about several times in a run."""
    return hash_file(path, kind)
