"""Save a context into a folder: other files there stay, unchanged files of an earlier context are removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from hatch_mlpackage.azureml.exceptions import WebserviceException
from hatch_mlpackage.context.manifest import MANIFEST_NAME, hashes_of, read_manifest
from hatch_mlpackage.files.fixed_time import TIMESTAMP
from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.files.read import real_path


def save_context(context: Path, target: Path) -> None:
    """Copy a context's files over the folder's, and remove stale files of an earlier context unless they were changed.

    Raises WebserviceException where a file cannot be written, or where a link leads outside of the folder.
    """
    earlier = hashes_of(target)
    wanted = [file.path for file in read_manifest(context).files]
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in (*wanted, MANIFEST_NAME):  # the manifest last: it lists all the others
            _put(context / path, target, path)
        _remove_stale(target, {path: sha256 for path, sha256 in earlier.items() if path not in wanted})
        for folder in _folders_of(wanted):
            os.utime(target / folder, (TIMESTAMP, TIMESTAMP))
    except OSError as error:
        raise WebserviceException(f"{error.filename or target}: {error.strerror}. Run save() again.") from error


def _put(source: Path, target: Path, path: str) -> None:
    place = target / path
    if not real_path(place.parent).is_relative_to(real_path(target)):
        raise WebserviceException(f"{place.parent}: leads outside of {target}. Remove the link, or save elsewhere.")
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{place.name}.partial")
    try:
        shutil.copy2(source, partial)
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)


def _remove_stale(target: Path, stale: dict[str, str]) -> None:
    for path, sha256 in stale.items():
        place = target / path
        inside = real_path(place.parent).is_relative_to(real_path(target))
        if inside and place.is_file() and not place.is_symlink() and hash_file(place) == sha256:
            place.unlink()
            _remove_empty(place.parent, target)


def _remove_empty(folder: Path, target: Path) -> None:
    while folder != target and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _folders_of(paths: Iterable[str]) -> list[str]:
    """List the folders that hold files, innermost first."""
    folders = {parent.as_posix() for path in paths for parent in Path(path).parents} - {"."}
    return sorted(folders, key=len, reverse=True)
