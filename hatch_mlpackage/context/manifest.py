"""The manifest: every file of a context with its hash, under one root digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatch_mlpackage.errors import ContextError
from hatch_mlpackage.files.context_path import wrong_path
from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.project.config.check_base_image import IMAGE

MANIFEST_NAME = "manifest.json"
NAMED_CONTEXTS = "named_contexts"  # maps a name to the place where the model is declared to be
SCHEMA = 1
_LAST_PORT = 65535
_FLAT = json.JSONEncoder(ensure_ascii=False, separators=(",\n      ", ": "))


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
    def written(self) -> tuple[ManifestFile, ...]:
        """Every file in the context's folder, by path: what is copied into it, and the manifest itself."""
        text = self.to_json().encode()
        itself = ManifestFile(
            path=MANIFEST_NAME, layer="manifest", size=len(text), mode="0644", sha256=hashlib.sha256(text).hexdigest()
        )
        copied = (file for file in self.files if not file.named_context)
        return tuple(sorted((*copied, itself), key=lambda file: file.path))

    @property
    def size(self) -> int:
        return sum(file.size for file in self.written)

    @property
    def not_copied(self) -> tuple[ManifestFile, ...]:
        return tuple(file for file in self.files if file.named_context)

    @property
    def image(self) -> Mapping[str, Any]:
        """What the context says of its image; raises ContextError for a name or a port that no engine may be given."""
        found = self.about.get("image")
        image: Mapping[str, Any] = found if isinstance(found, dict) else {}
        name, port = image.get("name"), image.get("port", 1)
        if not isinstance(name, str) or not IMAGE.fullmatch(name):
            wrong = f"name is {name!r}"
        elif type(port) is not int or not 1 <= port <= _LAST_PORT:
            wrong = f"port is {port!r}"
        else:
            return image
        raise ContextError(f"The manifest describes no image: its {wrong}. Make the context again: mlpackage generate")

    def to_json(self) -> str:
        """Return the manifest as JSON that is indented by two.

        With an indent, the standard library writes JSON in Python alone, which takes long for thousands of files. So
        the files, which hold nothing nested, are written with line breaks for separators instead.
        """
        values = {"digest": self.digest, **self._values()}
        del values["files"]
        head = json.dumps(values, indent=2, ensure_ascii=False).removesuffix("\n}")
        files = ",\n".join(f"    {{\n      {_FLAT.encode(file.values())[1:-1]}\n    }}" for file in self.files)
        listed = f"[\n{files}\n  ]" if files else "[]"
        return f'{head},\n  "files": {listed}\n}}\n'

    def _values(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            **self.about,
            "layers": list(self.layers),
            "files": [file.values() for file in self.files],
        }


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a context, or one that is named itself.

    Raises ContextError when the folder is no context, or the manifest is damaged, of a newer schema, or names what no
    context holds.
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
        manifest = _from_values(values)
        _require_writable(manifest)
    except _WrongManifestError as error:
        raise ContextError(
            f"{path}: not a manifest that mlpackage wrote: {error}. Make the context again: mlpackage generate"
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ContextError(
            f"{path}: not a manifest of schema {SCHEMA}. Make the context again with this version: mlpackage generate"
        ) from None
    return manifest


class _WrongManifestError(Exception):
    """A value has the right type and cannot be used."""


def _from_values(values: dict[str, Any]) -> Manifest:
    if values.pop("schema") != SCHEMA:
        raise ValueError
    values.pop("digest")
    files = tuple(ManifestFile(**file) for file in values.pop("files"))
    layers = tuple(values.pop("layers"))
    if not all(isinstance(layer, str) for layer in layers):
        raise TypeError
    seen: set[str] = set()
    for index, file in enumerate(files):
        wrong = _wrong(file) or ("the path is listed twice" if file.path in seen else "")
        if wrong:
            raise _WrongManifestError(f"files[{index}]: {wrong}")
        seen.add(file.path)
    _check_named_contexts(files, values.get(NAMED_CONTEXTS, {}))
    return Manifest(layers=layers, files=files, about=values)


def _require_writable(manifest: Manifest) -> None:
    """Refuse values that JSON can hold and that cannot be hashed, compared or printed."""
    try:
        manifest.to_json().encode()
    except UnicodeEncodeError:
        raise _WrongManifestError("it holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise _WrongManifestError("its values are nested too deeply") from None


def _wrong(file: ManifestFile) -> str:
    """Say what is wrong with an entry; raise TypeError for a value of another type."""
    texts = (file.path, file.layer, file.mode, file.sha256, file.named_context)
    if not all(isinstance(text, str) for text in texts) or type(file.size) is not int:
        raise TypeError
    if wrong := wrong_path(file.path):
        return f"the path {file.path!a} {wrong}"
    if file.path == MANIFEST_NAME:
        return "the manifest lists itself"
    if file.size < 0:
        return f"{file.size} is not a size"
    if not re.fullmatch("0[0-7]{3}", file.mode):
        return f"{file.mode!r} is not a mode"
    return "" if re.fullmatch("[0-9a-f]{64}", file.sha256) else f"{file.sha256!r} is not a SHA-256"


def _check_named_contexts(files: Iterable[ManifestFile], places: Mapping[str, Any]) -> None:
    """Refuse places outside the project: a builder is given the whole folder of each."""
    for name, place in places.items():
        outside = "://" not in place and place != "." and wrong_path(place)
        if outside or not re.fullmatch("model-[0-9]+", name):
            raise _WrongManifestError(f"{NAMED_CONTEXTS}.{name}: {place!a} is not a model of the project")
    unknown = {file.named_context for file in files} - places.keys() - {""}
    if unknown:
        raise _WrongManifestError(f"{NAMED_CONTEXTS} lacks {', '.join(sorted(unknown))}")


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
