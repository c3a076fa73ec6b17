"""Read and write what a lock says about the wheels that were built from source archives of an index.

# built: wrapt-1.11.1-py3-none-any.whl sha256:<digest of the archive> from wrapt-1.11.1.tar.gz without its extensions
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.pins import WHEELS_FOLDER, Pin

_REDUCED = " without its extensions"
_BUILT = re.compile(
    r"(?m)^# built: (?P<file>\S+\.whl) (?P<digest>sha256:[0-9a-f]{64}) from (?P<archive>\S+)"
    rf"(?P<reduced>{_REDUCED})?$"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltRecord:
    """A lock's record of a wheel that was built: its file name, and the name and the `sha256:…` of the archive.

    `is_reduced` says that extensions which the package can do without were not compiled.
    """

    file: str
    archive: str
    digest: str
    is_reduced: bool = False

    @property
    def name(self) -> str:
        """The canonical name in the wheel's file name, or an empty string where it is not one."""
        return self._parsed[0]

    @property
    def version(self) -> str:
        return self._parsed[1]

    def __str__(self) -> str:
        return f"{self.name} {self.version} from {self.archive}{_REDUCED if self.is_reduced else ''}"

    @property
    def _parsed(self) -> tuple[str, str]:
        try:
            name, version, _, _ = parse_wheel_filename(self.file)
        except InvalidWheelFilename:
            return "", ""
        return name, str(version)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltWheel:
    """A wheel that was built from a source archive of an index, its sha256 as hex, and the lock's record of it."""

    path: Path
    name: str
    version: str
    sha256: str
    record: BuiltRecord


@lru_cache(maxsize=8)
def built_records(lock: str) -> tuple[BuiltRecord, ...]:
    return tuple(
        BuiltRecord(file=it["file"], archive=it["archive"], digest=it["digest"], is_reduced=bool(it["reduced"]))
        for it in _BUILT.finditer(lock)
    )


def with_built(body: str, built: Iterable[BuiltWheel]) -> str:
    """Prepend a record of each built wheel to the body of a lock."""
    records = (wheel.record for wheel in built)
    lines = (f"# built: {it.file} {it.digest} from {it.archive}{_REDUCED if it.is_reduced else ''}\n" for it in records)
    return f"{''.join(lines)}{body}"


def not_as_named(lock: str, pins: Iterable[Pin], requirements: Requirements) -> Iterator[str]:
    """Yield each pin that was built although nobody names it, or that is named and comes from an index."""
    built = {record.file for record in built_records(lock)}
    for pin in pins:
        is_named = pin.name in requirements.built
        if pin.file in built and not is_named:
            yield f"{WHEELS_FOLDER}/{pin.file} was built from source, and build-from-source does not name {pin.name}"
        elif is_named and not pin.file and pin.url is None:
            yield f"build-from-source names {pin.name}, the lock has the files of an index for it (line {pin.line})"
