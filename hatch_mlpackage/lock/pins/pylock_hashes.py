"""Compare pins with the `pylock.toml` or `uv.lock` that they were selected from.

Unlike selecting, that needs no recent `packaging`, and no uv.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.parse import merge_conflict, parse_toml
from hatch_mlpackage.lock.pins.pins import Pin


def not_in_pylock(content: bytes, path: str, pins: Iterable[Pin]) -> Iterator[str]:
    """Yield each pin that a pylock lacks, or has with other hashes.

    Raises LockError when the file is damaged.
    """
    try:
        known = _digests(parse_toml(content))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise no_pylock(content, path, error) from error
    for pin in pins:
        hashes = known.get((pin.name, Version(pin.version or "0")))
        if hashes is None:
            yield f"{path} has no {pin} (line {pin.line})"
        elif not hashes.issuperset(pin.hashes):
            yield f"{path} has other hashes of {pin} (line {pin.line})"


def _digests(table: dict[str, Any]) -> dict[tuple[str, Version], set[str]]:
    """Map the name and version of each package in a pylock, or in a lock of uv, to the hashes of its wheels."""
    found: dict[tuple[str, Version], set[str]] = {}
    for package in table["package"] if "package" in table else table["packages"]:
        for wheel in package.get("wheels", ()):
            file_name = str(wheel.get("name") or wheel.get("url") or wheel.get("path")).rpartition("/")[2]
            version = Version(package["version"]) if "version" in package else parse_wheel_filename(file_name)[1]
            digest = wheel["hash"] if "hash" in wheel else f"sha256:{wheel['hashes'].get('sha256', '')}"
            found.setdefault((canonicalize_name(package["name"]), version), set()).add(digest)
    return found


def no_pylock(content: bytes, path: str, error: Exception) -> LockError:
    reason = merge_conflict(content.decode("utf-8", "replace")) or error
    return LockError(f"{path} is no pylock file: {reason}. Write it anew with the tool that made it.")
