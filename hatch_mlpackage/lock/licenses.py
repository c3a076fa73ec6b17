"""Finds the wheel of every pin that the image will install, and its licence, as far as the index gives it away.

A licence that is not to be had (an index that wants credentials of the resolver, or serves neither the metadata nor
parts of files) is left out: no lock fails for it.
"""

from __future__ import annotations

import email.parser
import io
import os
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name, parse_wheel_filename

from . import index_settings, uv
from .packages import Package
from .resolver import OUTPUT, Task, run
from .vendored import name_of, records, sha256_of, without_vendored
from .wheel_tags import supported_tags

if TYPE_CHECKING:
    from hatch_mlpackage.target import Target

    from .pins import Pin

_PYLOCK = "pylock.toml"
_TIMEOUT = 10.0  # seconds for one answer
_AT_ONCE = 8
_PART = 65536  # bytes asked for at once
_LARGEST = 1 << 20  # bytes of METADATA
_LONGEST = 100  # characters; some packages give the whole text of their licence
_CLASSIFIER = "License :: "


def describe(task: Task, lock: str, pins: Iterable[Pin], beside: Path) -> tuple[Package, ...]:
    """Find the wheel of every pin that the image will install, and its licence; `beside` has the vendored ones."""
    wheels = _wheels(task, without_vendored(lock)) | _vendored(lock, beside)
    chosen = [(pin, _choose(wheels.get(pin.name, ()), pin, task.target)) for pin in pins]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        licenses = list(threads.map(_license, (wheel.get("url", "") for _, wheel in chosen)))
    return tuple(
        Package(
            name=pin.name,
            version=pin.version or "",
            wheel=_file_name(wheel),
            sha256=wheel.get("hashes", {}).get("sha256", ""),
            license=found,
            tags=_tags(wheels.get(pin.name, ()), pin),
        )
        for (pin, wheel), found in zip(chosen, licenses, strict=True)
    )


def _wheels(task: Task, lock: str) -> dict[str, list[dict[str, Any]]]:
    """Let uv tell where the files of the pins are; nothing where it is absent or fails."""
    program = uv.find()
    if program is None:
        return {}
    (task.folder / OUTPUT).write_text(lock, encoding="utf-8", newline="\n")
    environment, settings = index_settings.for_uv(os.environ, task.folder)
    command = [program, "pip", "compile", "--quiet", "--no-deps", "--no-header", f"--output-file={_PYLOCK}"]
    # For one platform uv would list no other's wheels, and it could not be told which packages another one lacks.
    target = ["--universal", f"--python-version={task.target.python}"]
    outcome = run([*command, *target, "--only-binary=:all:", *settings, OUTPUT], environment, task)
    if outcome.status:
        return {}
    packages = tomllib.loads((task.folder / _PYLOCK).read_text(encoding="utf-8")).get("packages", [])
    return {canonicalize_name(package["name"]): package.get("wheels", []) for package in packages}


def _vendored(lock: str, beside: Path) -> dict[str, list[dict[str, Any]]]:
    found = ((name_of(record.file), beside / record.file) for record in records(lock))
    return {
        name: [{"url": path.absolute().as_uri(), "name": path.name, "hashes": {"sha256": sha256_of(path)}}]
        for name, path in found
        if name and path.is_file()
    }


def _tags(wheels: Iterable[dict[str, Any]], pin: Pin) -> tuple[str, ...]:
    """Return what the locked wheels of a pin are for, as their file names say; only those for Linux."""
    locked = (wheel for wheel in wheels if f"sha256:{wheel.get('hashes', {}).get('sha256')}" in pin.hashes)
    tags = {"-".join(_file_name(wheel).removesuffix(".whl").split("-")[-3:]) for wheel in locked}
    return tuple(sorted(tag for tag in tags if "linux" in tag or tag.endswith("-any")))


def _choose(wheels: Iterable[dict[str, Any]], pin: Pin, target: Target) -> dict[str, Any]:
    """Return the wheel that the image's pip prefers among those the lock allows, or nothing."""
    rank = {tag: number for number, tag in enumerate(supported_tags(target))}
    allowed = [wheel for wheel in wheels if f"sha256:{wheel.get('hashes', {}).get('sha256')}" in pin.hashes]
    ranked = [(min(_ranks(wheel, rank), default=len(rank)), _file_name(wheel), wheel) for wheel in allowed]
    best = min(ranked, key=lambda entry: entry[:2], default=(len(rank), "", {}))
    return best[2] if best[0] < len(rank) else {}


def _ranks(wheel: dict[str, Any], rank: dict[Any, int]) -> Iterator[int]:
    return (rank[tag] for tag in parse_wheel_filename(_file_name(wheel))[3] if tag in rank)


def _file_name(wheel: dict[str, Any]) -> str:
    return str(wheel.get("name") or wheel.get("url", "").rpartition("/")[2].partition("#")[0])


def _license(url: str) -> str:
    for ask in (_ask_for_metadata, _read_from_wheel):
        try:
            return license_of(ask(url))
        except (OSError, ValueError, KeyError, StopIteration, zipfile.BadZipFile):
            continue
    return ""


def _ask_for_metadata(url: str) -> str:
    """PEP 658: an index may serve a wheel's METADATA beside it."""
    with _open(f"{url}.metadata") as answer:
        return str(answer.read(_LARGEST), "utf-8", "replace")


def _read_from_wheel(url: str) -> str:
    """Read METADATA out of a wheel: of a remote one, only the parts that lead there."""
    remote = url.startswith(("http://", "https://"))
    with io.BufferedReader(_Parts(url), _PART) if remote else _open(url) as file, zipfile.ZipFile(file) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name).decode("utf-8", "replace")


class _Parts(io.RawIOBase):
    """A file on a server, read in the parts that are asked for (RFC 9110, section 14)."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._position = 0
        self._size = 0
        self._read("bytes=0-0")  # tells the size

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        part = self._read(f"bytes={self._position}-{end - 1}")
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _read(self, span: str) -> bytes:
        with _open(self._url, {"Range": span}) as answer:
            if answer.status != HTTPStatus.PARTIAL_CONTENT:
                raise OSError("the server gives whole files only")
            self._size = int(answer.headers["Content-Range"].rpartition("/")[2])
            content: bytes = answer.read()
            return content


def _open(url: str, headers: dict[str, str] | None = None) -> Any:
    if not url.startswith(("http://", "https://", "file://")):
        raise OSError(f"{url} is not read")
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=_TIMEOUT)  # noqa: S310


def license_of(metadata: str) -> str:
    """Tell the licence from a wheel's METADATA: its expression, else its text's first line, else its classifiers."""
    fields = email.parser.HeaderParser().parsestr(metadata)
    expression = fields.get("License-Expression")
    if expression:
        return expression.strip()
    text = (fields.get("License") or "").strip().partition("\n")[0].strip()
    if text and text.upper() != "UNKNOWN":
        return text[:_LONGEST]
    classifiers = [value for value in fields.get_all("Classifier", []) if value.startswith(_CLASSIFIER)]
    return " AND ".join(value.rpartition(" :: ")[2] for value in classifiers)
