"""Write and read `packages.json`: for each locked package the wheel that the image installs, its licence, its modules.

The file lies beside the lock and is written with it. The lock alone decides what is installed: a package that is
missing in the file is only described less well.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from packaging.tags import parse_tag

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.parse import merge_conflict, parse_json, text_of
from hatch_mlpackage.lock.pins.pins import Pin
from hatch_mlpackage.lock.pins.wheel_tags import supported_tags
from hatch_mlpackage.project.target import Target

PACKAGES = "packages.json"
_LONGEST_SHOWN = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPackage:
    """One distribution in an environment of the image.

    `sha256` is the hash, as hex, of the wheel that the image installs, and `license` an SPDX expression or what the
    author wrote instead; both are empty where the index did not provide them when the lock was made. `tags` are those
    of every locked wheel, for any machine: `cp312-cp312-manylinux_2_28_x86_64`. `size` is the wheel's size in bytes, 0
    where it is unknown; `modules` are the modules that it provides, dotted where wheels share a folder: `google.auth`.
    They are None where they are unknown, and empty for a wheel that has none, such as one of libraries.
    """

    name: str
    version: str
    wheel: str = ""
    sha256: str = ""
    license: str = ""
    tags: tuple[str, ...] = ()
    size: int = 0
    modules: tuple[str, ...] | None = None


def packages_of(pins: Iterable[Pin], packages_json: bytes | None) -> tuple[LockedPackage, ...]:
    """Describe every pin by its entry in `packages.json`, and ignore the entries of other versions.

    Raises LockError when the file is damaged: the bill of materials would silently lack the licences.
    """
    kept = _read(packages_json)
    return tuple(_package(pin, kept.get(_key(pin.name, pin.version or ""), {})) for pin in pins)


def other_hashes(pins: Iterable[Pin], packages_json: bytes | None) -> Iterator[str]:
    """Yield each pin that lacks the hash of the wheel that was found for it when the lock was made."""
    kept = _read(packages_json)
    for pin in pins:
        sha256 = kept.get(_key(pin.name, pin.version or ""), {}).get("sha256")
        if sha256 and f"sha256:{sha256}" not in pin.hashes:
            yield f"{pin} (line {pin.line}) has not the hash that {PACKAGES} has for it, sha256:{sha256}"


def packages_to_json(packages: Iterable[LockedPackage]) -> str:
    """Write what `packages_of` reads, without the values that it would refuse: they come from wheels and indexes."""
    entries = {
        _key(package.name, package.version): {
            "wheel": package.wheel,
            "sha256": package.sha256,
            "license": package.license,
            "tags": list(package.tags),
            "size": package.size,
            "modules": None if package.modules is None else list(package.modules),
        }
        for package in packages
    }
    kept = {
        name: {key: value for key, value in entry.items() if _FIELDS[key](value)} for name, entry in entries.items()
    }
    return json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _package(pin: Pin, entry: Mapping[str, Any]) -> LockedPackage:
    only = pin.hashes[0].removeprefix("sha256:") if len(pin.hashes) == 1 else ""
    sha256 = str(entry.get("sha256", ""))
    # The image installs no wheel whose hash is missing in the lock.
    proven = f"sha256:{sha256}" in pin.hashes
    return LockedPackage(
        name=pin.name,
        version=pin.version or "",
        wheel=str(entry.get("wheel", "")) if proven else "",
        sha256=sha256 if proven else only,
        license=str(entry.get("license", "")),
        tags=_texts(entry, "tags"),
        size=_size(entry.get("size")) if proven else 0,
        modules=_modules(entry),
    )


def _modules(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the modules of a wheel that was read; earlier versions wrote `[]` for every other wheel too."""
    found = _texts(entry, "modules")
    was_read = "modules" in entry and (found or _size(entry.get("size")))
    return found if was_read else None


def _texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(map(str, entry.get(key, ())))


def _size(value: object) -> int:
    return value if isinstance(value, int) else 0


def without_wheel(packages: Iterable[LockedPackage], target: Target) -> Iterator[str]:
    """Yield the packages that are known to have no wheel for an image, whatever image the lock was made for."""
    supported = frozenset(supported_tags(target))
    for package in packages:
        if package.tags and all(parse_tag(tag).isdisjoint(supported) for tag in package.tags):
            yield f"{package.name} {package.version} has no wheel for that, but {_listing(package.tags)}"


def _listing(tags: tuple[str, ...]) -> str:
    return textwrap.shorten(", ".join(tags), _LONGEST_SHOWN, placeholder=" …")


def _key(name: str, version: str) -> str:
    return f"{name}=={version}"


def _read(content: bytes | None) -> Mapping[str, Mapping[str, Any]]:
    try:
        entries = {} if content is None else parse_json(content)
    except ValueError as error:
        raise _damaged(merge_conflict(text_of(content) or "") or str(error)) from None
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise _damaged("it is no table of packages")
    for name, entry in entries.items():
        wrong = next((key for key, fits in _FIELDS.items() if key in entry and not fits(entry[key])), None)
        if wrong is not None:
            raise _damaged(f"the {wrong} of {name} is not one")
    return entries


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _are_tags(value: object) -> bool:
    return _are_texts(value) and all(tag.count("-") == _DASHES_OF_A_TAG for tag in value)


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(map(_is_text, value))


_DASHES_OF_A_TAG = 2  # interpreter-abi-platform
_FIELDS: Mapping[str, Callable[[object], bool]] = {
    "wheel": _is_text,
    "sha256": lambda value: isinstance(value, str) and re.fullmatch(r"(?:[0-9a-f]{64})?", value) is not None,
    "license": _is_text,
    "tags": _are_tags,
    "size": lambda value: type(value) is int and value >= 0,
    "modules": _are_texts,
}


def _damaged(reason: str) -> LockError:
    return LockError(f"{PACKAGES} is damaged: {reason}.\nRun `mlpackage lock` and commit the result.")
