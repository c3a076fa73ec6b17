"""Compare two contexts: which layers of the image change, and which files and packages make them change."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatch_mlpackage.context.changes import DOCKERFILE
from hatch_mlpackage.context.cyclonedx import SBOM_NAME
from hatch_mlpackage.context.manifest import MANIFEST_NAME, Manifest, ManifestFile, read_manifest
from hatch_mlpackage.context.plan import FOR_THE_BUILDER
from hatch_mlpackage.files.read import file_bytes

# Layer → how the references of its packages in the bill of materials begin.
_PACKAGES_OF = {"environment": ("conda/", "environment/"), "runtime": ("server/",)}
# Layer → how its first COPY begins; a model's layer is named by the path of its files.
_FIRST_COPY = {
    "environment": "COPY environment/",
    "runtime": "COPY runtime/",
    "source": "COPY azureml-app/",
    "manifest": f"COPY {MANIFEST_NAME}",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """Hold one of two contexts; for a manifest alone, its Dockerfile and its packages are unknown.

    `packages` maps layer → name → version. `dockerfile` are its lines without comments.
    """

    manifest: Manifest
    dockerfile: tuple[str, ...] | None = None
    packages: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueChange:
    """Describe a change of a named value, such as a package's version; None where it is absent."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileChange:
    """Describe a file that is added, removed or changed; sizes are in bytes, and None where it is absent."""

    path: str
    kind: str
    before: int | None
    after: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerDiff:
    """Hold what changes in a layer; the layer `build` is what only the builder or a reader needs."""

    name: str
    files: tuple[FileChange, ...]
    packages: tuple[ValueChange, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextDiff:
    """Hold every change: of the manifests' own values, of layers and of the Dockerfile's lines.

    `dockerfile` is None if it changes but its text is unknown. `rebuilt` are the layers that a builder may have to make
    again, from the lowest change upwards.
    """

    about: tuple[ValueChange, ...]
    layers: tuple[LayerDiff, ...]
    dockerfile: tuple[str, ...] | None
    rebuilt: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not (self.about or self.layers)


def read_side(path: Path) -> Side:
    """Read a context's folder, or only a manifest, which an image has at /opt/mlpackage/manifest.json.

    Raises ContextError if the path is neither.
    """
    manifest = read_manifest(path)
    listed = {file.path: file for file in manifest.files}
    directory = path if path.is_dir() else path.parent
    dockerfile = _proven(directory, listed.get(DOCKERFILE))
    bill = _proven(directory, listed.get(SBOM_NAME))
    return Side(
        manifest=manifest,
        dockerfile=_instructions(dockerfile) if dockerfile is not None else None,
        packages=_packages(json.loads(bill)) if bill is not None else None,
    )


def compare(before: Side, after: Side) -> ContextDiff:
    """Return what changes from one context to the other."""
    about = _values(_flat(before.manifest.about), _flat(after.manifest.about))
    changes = _file_changes(before.manifest, after.manifest)
    names = (*after.manifest.layers, *before.manifest.layers, FOR_THE_BUILDER)
    layers = [
        LayerDiff(name=name, files=changes.get(name, ()), packages=_package_changes(before, after, name))
        for name in dict.fromkeys(names)
    ]
    changed = tuple(layer for layer in layers if layer.files or layer.packages)
    return ContextDiff(
        about=about,
        layers=changed,
        dockerfile=_dockerfile_changes(before, after, changes),
        rebuilt=_rebuilt(before, after, {layer.name for layer in changed}, {value.name for value in about}),
    )


def _proven(directory: Path, file: ManifestFile | None) -> str | None:
    """Read a file beside a manifest; return None if it is missing or not the one that the manifest lists."""
    try:
        content = file_bytes(directory / file.path) if file else b""
    except OSError:
        return None
    if file is None or hashlib.sha256(content).hexdigest() != file.sha256:
        return None
    return content.decode("utf-8", "replace")


def _instructions(dockerfile: str) -> tuple[str, ...]:
    return tuple(line for line in dockerfile.splitlines() if line.strip() and not line.startswith("#"))


def _packages(bill: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    return {
        layer: {
            component["name"]: component.get("version", "")
            for component in bill.get("components", ())
            if str(component.get("bom-ref")).startswith(starts)
        }
        for layer, starts in _PACKAGES_OF.items()
    }


def _flat(about: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Name each value by the names of the parts that it lies in: `image.environment.WORKER_COUNT`."""
    found: dict[str, str] = {}
    for name, value in about.items():
        found |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": str(value)}
    return found


def _values(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[ValueChange, ...]:
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return tuple(ValueChange(name=name, before=before.get(name), after=after.get(name)) for name in names)


def _package_changes(before: Side, after: Side, layer: str) -> tuple[ValueChange, ...]:
    if before.packages is None or after.packages is None:
        return ()
    return _values(before.packages.get(layer, {}), after.packages.get(layer, {}))


def _file_changes(before: Manifest, after: Manifest) -> dict[str, tuple[FileChange, ...]]:
    """Return layer → changes; a file that moves is removed from one layer and added to another."""
    old = {(file.layer, file.path): file for file in before.files}
    new = {(file.layer, file.path): file for file in after.files}
    found: dict[str, tuple[FileChange, ...]] = {}
    for place in sorted(old.keys() | new.keys()):
        one, other = old.get(place), new.get(place)
        if one == other:
            continue
        kind = "added" if one is None else "removed" if other is None else "changed"
        change = FileChange(
            path=place[1], kind=kind, before=one.size if one else None, after=other.size if other else None
        )
        found[place[0]] = (*found.get(place[0], ()), change)
    return found


def _dockerfile_changes(
    before: Side, after: Side, changes: Mapping[str, tuple[FileChange, ...]]
) -> tuple[str, ...] | None:
    if not any(change.path == DOCKERFILE for change in changes.get(FOR_THE_BUILDER, ())):
        return ()
    if before.dockerfile is None or after.dockerfile is None:
        return None
    compared = difflib.unified_diff(before.dockerfile, after.dockerfile, n=0, lineterm="")
    return tuple(line for line in compared if line[:1] in "+-" and line[:3] not in {"+++", "---"})


def _rebuilt(before: Side, after: Side, changed: set[str], about: set[str]) -> tuple[str, ...]:
    """Return the layers from the first that changes in content, place or instructions."""
    layers = after.manifest.layers
    firsts = [
        _first(one != other for one, other in zip(layers, before.manifest.layers, strict=False)),
        _first(layer in changed for layer in layers),
        0 if "image.base" in about else len(layers),
        _first_instruction(before, after, changed),
    ]
    return layers[min(firsts) :]


def _first(found: Iterable[bool]) -> int:
    """Return the index of the first True, or the number of values."""
    values = [*found]
    return values.index(True) if True in values else len(values)


def _first_instruction(before: Side, after: Side, changed: set[str]) -> int:
    """Return the index of the first layer with changed instructions: the last one that begins before the change."""
    layers = after.manifest.layers
    if FOR_THE_BUILDER not in changed:
        return len(layers)
    if before.dockerfile is None or after.dockerfile is None:
        return 0
    same = _first(one != other for one, other in zip(before.dockerfile, after.dockerfile, strict=False))
    if same == len(before.dockerfile) == len(after.dockerfile):
        return len(layers)  # another file for the builder, or a comment
    begun = [layer for layer in layers if any(line.startswith(_copy(layer)) for line in after.dockerfile[: same + 1])]
    return layers.index(begun[-1]) if begun else 0


def _copy(layer: str) -> str:
    return _FIRST_COPY.get(layer, f"COPY {layer}/")
