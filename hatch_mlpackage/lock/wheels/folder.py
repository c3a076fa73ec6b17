"""Put wheels into the folder beside a lock, and remove those that it put there and that are no longer needed.

`SHA256SUMS` lists these wheels (check them with `sha256sum --check SHA256SUMS`); any other file is the user's.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.replace import replace_text
from hatch_mlpackage.lock.pins.wheel_records import sha256_of

SUMS = "SHA256SUMS"
_LINE = re.compile(r"(?m)^([0-9a-f]{64})  (\S+\.whl)$")


def put_wheel(wheel: Path, folder: Path) -> Path:
    """Copy a wheel into the folder, whole or not at all, list it, and return its path."""
    target = folder / wheel.name
    if wheel.absolute() != target.absolute():
        folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        try:
            shutil.copyfile(wheel, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        _list(folder, _listed(folder) | {target.name: sha256_of(target)})
    return target


def clear_wheels(folder: Path, wanted: Collection[str], report: Callable[[str], None]) -> None:
    """Remove the listed wheels that are not wanted, unless somebody changed them, and report all others."""
    listed = _listed(folder)
    for path in sorted(folder.glob("*.whl")):
        if path.name in wanted:
            continue
        if listed.get(path.name) == sha256_of(path):
            path.unlink()
        else:
            report(f"{path.name} in {folder.name}/ is not one that mlpackage put there: it stays, unused.")
    _list(folder, {name: digest for name, digest in listed.items() if name in wanted})


def _listed(folder: Path) -> dict[str, str]:
    try:
        text = file_text(folder / SUMS)
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: digest for digest, name in _LINE.findall(text)}


def _list(folder: Path, listed: dict[str, str]) -> None:
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(listed.items()))
    if text:
        replace_text(folder / SUMS, text)
        return
    (folder / SUMS).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
