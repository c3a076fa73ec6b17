"""Prove that a folder is the context of its manifest, and tell whether a folder may be replaced."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.context.manifest import MANIFEST_NAME, Manifest, ManifestFile, read_manifest
from hatch_mlpackage.context.plan import DIRECTORY_MODE
from hatch_mlpackage.errors import ContextError
from hatch_mlpackage.files.fixed_time import TIMESTAMP
from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.files.quoting import escaped
from hatch_mlpackage.files.read import file_bytes

if TYPE_CHECKING:
    import os

_MANIFEST_MODE = 0o644
_MOST_SHOWN = 10


def reason_to_keep(directory: Path, is_linked: Callable[[os.stat_result], bool] | None = None) -> str:
    """Tell why a folder must not be replaced or removed; nothing when it is a context just as it was written.

    A file that still carries the moment it was written with is taken as unchanged, so that this costs no second
    reading of the models. So is what `is_linked` knows as a file of the project: nothing is lost with a link to it.
    """
    try:
        manifest = read_manifest(directory)
    except ContextError:
        return "not empty and not a context that mlpackage wrote"
    edits = _differences(
        manifest,
        directory,
        believed=lambda status: status.st_mtime == TIMESTAMP or bool(is_linked and is_linked(status)),
    )
    return f"holds changes made by hand ({', '.join(sorted(edits)[:3])})" if edits else ""


def verify_context(directory: Path, digest: str = "") -> tuple[str, ...]:
    """Compare a context with its manifest, byte by byte and mode by mode; the differences, none when it is proven.

    `digest`, where given, is the one that the manifest must have. The manifest does not list folders: all below the
    context have one mode. That of the context itself is its owner's affair.
    """
    manifest = read_manifest(directory)
    found = [*_differences(manifest, directory), *_modes(directory)]
    if digest and digest != manifest.digest:
        found.append(f"{MANIFEST_NAME}: digest {manifest.digest}, expected {digest}")
    return tuple(sorted(found))


def require_proven(directory: Path, remedy: str) -> None:
    """Raise ContextError, with what differs and the remedy, unless a context is as its manifest says."""
    differences = verify_context(directory)
    if differences:
        shown = "\n".join(differences[:_MOST_SHOWN])
        more = f"\nand {len(differences) - _MOST_SHOWN} more" if len(differences) > _MOST_SHOWN else ""
        raise ContextError(f"{directory}: was changed after it was written:\n{shown}{more}\n{remedy}")


def _differences(
    manifest: Manifest, directory: Path, *, believed: Callable[[os.stat_result], bool] = lambda _: False
) -> list[str]:
    """Find what is not as the manifest says; files that are `believed` to be unchanged are not read."""
    expected = {file.path: file for file in manifest.files if not file.named_context}
    found = dict(_entries(directory))
    found.pop(MANIFEST_NAME, None)
    differences = [f"{escaped(path)}: added" for path in found.keys() - expected.keys()]
    differences += [f"{path}: missing" for path in expected.keys() - found.keys()]
    for path in expected.keys() & found.keys():
        if not believed(found[path].lstat()):
            differences += _compare(expected[path], found[path])
    if file_bytes(directory / MANIFEST_NAME) != manifest.to_json().encode():
        differences.append(f"{MANIFEST_NAME}: changed (its digest does not fit its contents)")
    return differences


def _modes(directory: Path) -> Iterator[str]:
    """Find the folders, and the manifest, whose mode is not the one that they are written with."""
    manifest = directory / MANIFEST_NAME
    if manifest.is_symlink():
        yield f"{MANIFEST_NAME}: not a regular file"
    elif (mode := stat.S_IMODE(manifest.lstat().st_mode)) != _MANIFEST_MODE:
        yield f"{MANIFEST_NAME}: mode {mode:04o}, expected {_MANIFEST_MODE:04o}"
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode) and (mode := stat.S_IMODE(status.st_mode)) != DIRECTORY_MODE:
            yield f"{escaped(path.relative_to(directory).as_posix())}/: mode {mode:04o}, expected {DIRECTORY_MODE:04o}"


def _entries(directory: Path, relative: str = "") -> Iterator[tuple[str, Path]]:
    """Yield every file, link or empty folder; folders with contents are known by what they hold."""
    for path in sorted(directory.iterdir()):
        place = f"{relative}{path.name}"
        if path.is_dir() and not path.is_symlink() and any(path.iterdir()):
            yield from _entries(path, f"{place}/")
        else:
            yield place, path


def _compare(expected: ManifestFile, path: Path) -> Iterator[str]:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        yield f"{expected.path}: not a regular file"
        return
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    if mode != expected.mode:
        yield f"{expected.path}: mode {mode}, expected {expected.mode}"
    if status.st_size != expected.size:
        yield f"{expected.path}: {status.st_size} bytes, expected {expected.size}"
    elif hash_file(path) != expected.sha256:
        yield f"{expected.path}: other contents"
