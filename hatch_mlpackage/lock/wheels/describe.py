"""Find the wheel of every pin that the image will install, with its licence and modules, where the index has them.

An index may want credentials, or serve neither metadata nor parts of files. What it does not give is left out, and no
lock fails because of it.
"""

from __future__ import annotations

import email.parser
import os
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename

from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.packages import LockedPackage
from hatch_mlpackage.lock.pins.pins import Pin, installed_pins
from hatch_mlpackage.lock.pins.wheel_records import files_beside, sha256_of, without_vendored
from hatch_mlpackage.lock.pins.wheel_tags import supported_tags
from hatch_mlpackage.lock.resolve import index_settings, uv
from hatch_mlpackage.lock.resolve.task import OUTPUT, Task, run
from hatch_mlpackage.lock.wheels.remote_zip import LARGEST_METADATA, ask_for_metadata, open_wheel
from hatch_mlpackage.project.target import Target

_PYLOCK = "pylock.toml"
_AT_ONCE = 8
_LONGEST = 100  # characters; some packages give the whole text of their licence
_LONGEST_EXPRESSION = 1000  # characters; a part of one would be another licence, so a longer one is left out
_CLASSIFIER = "License :: "
_SUFFIXES = frozenset({".py", ".pyc", ".so", ".pyd"})
_UNPACKED = frozenset({"purelib", "platlib"})  # folders of NAME-VERSION.data that are installed into site-packages


def describe_packages(lock: str, target: Target, *, folder: Path, wheels: Path) -> tuple[LockedPackage, ...]:
    """Find the wheel of every pin that the image will install, and read what it says about itself.

    `wheels` is the folder of vendored wheels, and the empty `folder` is for temporary files.
    """
    task = Task(folder=folder, requirements=Requirements(), target=target, upgrade=False, report=lambda _: None)
    known = _wheels(task, without_vendored(lock)) | _vendored(lock, wheels)
    chosen = [(pin, choose_wheel(known.get(pin.name, ()), pin, target)) for pin in installed_pins(lock, target)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        contents = list(threads.map(read_contents, (wheel.get("url", "") for _, wheel in chosen)))
    return tuple(
        LockedPackage(
            name=pin.name,
            version=pin.version or "",
            wheel=_file_name(wheel),
            sha256=wheel.get("hashes", {}).get("sha256", ""),
            license=content.license,
            tags=_tags(known.get(pin.name, ()), pin),
            size=content.size,
            modules=content.modules,
        )
        for (pin, wheel), content in zip(chosen, contents, strict=True)
    )


def _wheels(task: Task, lock: str) -> dict[str, list[dict[str, Any]]]:
    """Ask uv for the files of the pins; return nothing if uv is absent or fails."""
    program = uv.find_uv()
    if program is None:
        return {}
    (task.folder / OUTPUT).write_text(lock, encoding="utf-8", newline="\n")
    environment, settings = index_settings.for_uv(os.environ, task.folder)
    command = [program, "pip", "compile", "--quiet", "--no-deps", "--no-header", f"--output-file={_PYLOCK}"]
    # With a platform uv would list only its wheels, and the lock could not say which packages another platform lacks.
    target = ["--universal", f"--python-version={task.target.full_python}"]
    outcome = run([*command, *target, "--only-binary=:all:", *settings, OUTPUT], environment, task)
    if outcome.status:
        return {}
    packages = tomllib.loads(file_text(task.folder / _PYLOCK)).get("packages", [])
    return {canonicalize_name(package["name"]): package.get("wheels", []) for package in packages}


def _vendored(lock: str, beside: Path) -> dict[str, list[dict[str, Any]]]:
    found = ((name, beside / file) for name, file in files_beside(lock).items())
    return {
        name: [{"url": path.absolute().as_uri(), "name": path.name, "hashes": {"sha256": sha256_of(path)}}]
        for name, path in found
        if path.is_file()
    }


def _tags(wheels: Iterable[dict[str, Any]], pin: Pin) -> tuple[str, ...]:
    """Return the tags of a pin's locked wheels, by their file names, if they are for Linux."""
    locked = (wheel for wheel in wheels if f"sha256:{wheel.get('hashes', {}).get('sha256')}" in pin.hashes)
    tags = {"-".join(_file_name(wheel).removesuffix(".whl").split("-")[-3:]) for wheel in locked}
    return tuple(sorted(tag for tag in tags if "linux" in tag or tag.endswith("-any")))


def choose_wheel(wheels: Iterable[dict[str, Any]], pin: Pin, target: Target) -> dict[str, Any]:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelContents:
    """What a wheel says of itself; the size is in bytes, and the modules are None where the wheel was not read."""

    license: str = ""
    modules: tuple[str, ...] | None = None
    size: int = 0


def read_contents(url: str) -> WheelContents:
    """Return what is to be had of a wheel."""
    for read in (_read_wheel, _read_metadata):
        try:
            return read(url)
        except Exception:  # noqa: BLE001, S112 - zipfile, its decompressors and http.client raise many kinds
            continue
    return WheelContents()


def _read_wheel(url: str) -> WheelContents:
    with open_wheel(url) as (archive, size):
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        with archive.open(metadata) as file:
            said = file.read(LARGEST_METADATA).decode("utf-8", "replace")
        modules = modules_of(names)
        known = bool(modules) or not any(name.endswith(".pth") for name in names)  # such a file adds folders to look in
        return WheelContents(license=license_of(said), modules=modules if known else None, size=size)


def _read_metadata(url: str) -> WheelContents:
    return WheelContents(license=license_of(ask_for_metadata(url)))


def license_of(metadata: str) -> str:
    """Return the licence in a wheel's METADATA: its expression, else its first line, else its classifiers."""
    fields = email.parser.HeaderParser().parsestr(metadata)
    expression = _in_one_line(fields.get("License-Expression"))
    if expression and len(expression) <= _LONGEST_EXPRESSION:
        return expression
    text = _in_one_line(str(fields.get("License") or "").strip().partition("\n")[0])
    if text and text.upper() != "UNKNOWN":
        return text[:_LONGEST].rstrip()
    classifiers = map(_in_one_line, fields.get_all("Classifier", []))
    joined = " AND ".join(value.rpartition(" :: ")[2] for value in classifiers if value.startswith(_CLASSIFIER))
    return joined[:_LONGEST_EXPRESSION].rstrip()


def _in_one_line(value: object) -> str:
    """Return the text of a field with single spaces, without what a terminal would not print."""
    words = str(value or "").split()
    return " ".join("".join(filter(str.isprintable, word)) for word in words).strip()


def modules_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the importable names: packages and modules, dotted below folders without an `__init__.py`.

    Such a folder is a namespace that distributions share: `google/auth/__init__.py` gives `google.auth`.
    """
    files = {place for name in names if (place := _place(PurePosixPath(name))).suffix in _SUFFIXES}
    files = {file for file in files if "__pycache__" not in file.parts}
    packages = {file.parent for file in files if file.stem.partition(".")[0] == "__init__"}
    tops = {_top(file, packages) for file in files}
    return tuple(sorted(".".join(top.parts) for top in tops if all(part.isidentifier() for part in top.parts)))


def _place(path: PurePosixPath) -> PurePosixPath:
    """Return where a wheel's file is installed, relative to site-packages."""
    parts = path.parts
    inside = parts[:1] and parts[0].endswith(".data") and len(parts) > 1 and parts[1] in _UNPACKED
    return PurePosixPath(*parts[2:]) if inside else path


def _top(file: PurePosixPath, packages: set[PurePosixPath]) -> PurePosixPath:
    """Return the outermost package above a file, or the file as a module."""
    above = next((folder for folder in _outermost_first(file) if folder in packages), None)
    return above or file.with_name(file.name.partition(".")[0])


def _outermost_first(file: PurePosixPath) -> Iterator[PurePosixPath]:
    yield from (folder for folder in reversed(file.parents) if folder.name)
