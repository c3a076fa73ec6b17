"""The manifest: every file of a context with its hash, under one root digest, and the proof that a folder fits it."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.errors import ContextError
from hatch_mlpackage.files.fixed_time import TIMESTAMP
from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.files.read import file_bytes

if TYPE_CHECKING:
    import os

MANIFEST_NAME = "manifest.json"
SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestFile:
    """One file: path in the context, layer, size in bytes, permission bits as octal text, sha256 as hex.

    A file with a `named_context` is not in the folder: the builder takes it from the one that it is given by that name.
    """

    path: str
    layer: str
    size: int
    mode: str
    sha256: str
    named_context: str = ""

    def values(self) -> dict[str, Any]:
        said = {"path": self.path, "layer": self.layer, "size": self.size, "mode": self.mode, "sha256": self.sha256}
        return {**said, "named_context": self.named_context} if self.named_context else said


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a context is made of.

    `about` is what the context was made for and by (names and versions); `layers` the image's layers from the bottom.
    """

    about: Mapping[str, Any]
    layers: tuple[str, ...]
    files: tuple[ManifestFile, ...]

    @property
    def digest(self) -> str:
        """Hash the manifest without its digest, as canonical JSON: one value that stands for every byte."""
        canonical = json.dumps(self._values(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def not_copied(self) -> tuple[ManifestFile, ...]:
        return tuple(file for file in self.files if file.named_context)

    def to_json(self) -> str:
        values = {"digest": self.digest, **self._values()}
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

    def _values(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            **self.about,
            "layers": list(self.layers),
            "files": [file.values() for file in self.files],
        }


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a context, or one that is named itself.

    Raises ContextError when the folder is no context, or the manifest is damaged or of a newer schema.
    """
    path = directory if directory.is_file() else directory / MANIFEST_NAME
    try:
        values = parse_json(file_bytes(path))
    except OSError as error:
        raise ContextError(
            f"{directory}: not a context ({path.name}: {error.strerror}). Make one with: mlpackage generate"
        ) from None
    except ValueError as error:
        raise ContextError(
            f"{path}: not readable as JSON ({error}). Make the context again: mlpackage generate"
        ) from None
    try:
        return _from_values(values)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ContextError(
            f"{path}: not a manifest of schema {SCHEMA}. Make the context again with this version: mlpackage generate"
        ) from None


def _from_values(values: dict[str, Any]) -> Manifest:
    if values.pop("schema") != SCHEMA:
        raise ValueError
    values.pop("digest")
    files = tuple(ManifestFile(**file) for file in values.pop("files"))
    return Manifest(layers=tuple(values.pop("layers")), files=files, about=values)


def is_context(directory: Path) -> bool:
    """Tell whether a folder is a context of this or another release; other programs write a manifest.json, too."""
    path = directory / MANIFEST_NAME
    try:
        return path.is_file() and "hatch-mlpackage" in parse_json(file_bytes(path))["generator"]
    except (OSError, ValueError, TypeError, KeyError):
        return False


def hashes_of(directory: Path) -> dict[str, str]:
    """Map the paths of a context to their hashes; nothing where there is no context."""
    try:
        return {file.path: file.sha256 for file in read_manifest(directory).files}
    except ContextError:
        return {}


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


def verify_context(directory: Path) -> tuple[str, ...]:
    """Compare a context with its manifest, byte by byte; the differences, none when it is proven."""
    return tuple(sorted(_differences(read_manifest(directory), directory)))


def _differences(
    manifest: Manifest, directory: Path, *, believed: Callable[[os.stat_result], bool] = lambda _: False
) -> list[str]:
    """Find what is not as the manifest says; files that are `believed` to be unchanged are not read."""
    expected = {file.path: file for file in manifest.files if not file.named_context}
    found = dict(_entries(directory))
    found.pop(MANIFEST_NAME, None)
    differences = [f"{path}: added" for path in found.keys() - expected.keys()]
    differences += [f"{path}: missing" for path in expected.keys() - found.keys()]
    for path in expected.keys() & found.keys():
        if not believed(found[path].lstat()):
            differences += _compare(expected[path], found[path])
    if file_bytes(directory / MANIFEST_NAME) != manifest.to_json().encode():
        differences.append(f"{MANIFEST_NAME}: changed (its digest does not fit its contents)")
    return differences


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
