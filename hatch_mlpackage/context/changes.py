"""What differs between a plan and the context that is there, and what each kind of change makes a builder do again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hatch_mlpackage.context.cyclonedx import SBOM_NAME
from hatch_mlpackage.context.manifest import ManifestFile, read_manifest
from hatch_mlpackage.context.plan import PROJECT_LAYER, SUMS
from hatch_mlpackage.files.hashing import hash_file

if TYPE_CHECKING:
    from hatch_mlpackage.context.plan import ContextFile, ContextPlan
    from hatch_mlpackage.project.config.keys import Model

DOCKERFILE = "Dockerfile"
# What a person changes, by the lowest layer that it is in; models come on top of these.
_KINDS = {
    "source": "the entry script or its sources",
    PROJECT_LAYER: "the project's own package",
    "runtime": "hatch-mlpackage",
    "environment": "a requirement",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A file that the next context has added, changed or removed; `layer` is the one that is built again."""

    path: str
    kind: str
    layer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuild:
    """What a builder makes again after a change of `what`.

    `size` is that of the layers' files and of the wheels that are installed again, in bytes.
    """

    what: str
    layers: tuple[str, ...]
    size: int


def changes_since(plan: ContextPlan, context: Path) -> tuple[Change, ...]:
    """Compare what would be written with what the manifest of a context lists."""
    before = {file.path: file for file in read_manifest(context).files if not _is_sealed(file)}
    now = {file.path: file for file in plan.files}
    gone = [Change(path=path, kind="removed", layer=before[path].layer) for path in before.keys() - now.keys()]
    changed = [
        Change(path=path, kind=kind, layer=file.layer) for path, file in now.items() if (kind := _kind(file, before))
    ]
    return tuple(sorted([*gone, *changed], key=lambda change: change.path))


def rebuilt_layers(plan: ContextPlan, changes: Iterable[Change]) -> tuple[str, ...]:
    """List the layers that a builder makes again: the lowest one that changes, and all above it."""
    found = tuple(changes)
    if any(change.path == DOCKERFILE for change in found):
        return plan.layers  # which line changed decides; at worst all of them
    return _from({change.layer for change in found}, plan)


def rebuilds(plan: ContextPlan, models: Iterable[Model], *, wheels: int = 0) -> tuple[Rebuild, ...]:
    """Tell what each kind of change makes again, the cheapest first; `wheels` are the bytes of all locked ones."""
    kinds = {**_KINDS, **{model.context_path: f"the model {model.name} {model.version}" for model in models}}
    besides = {"environment": wheels}
    return tuple(
        Rebuild(what=kinds[layer], layers=layers, size=sum(_size(it, plan) + besides.get(it, 0) for it in layers))
        for layer in reversed(plan.layers)
        if layer in kinds
        for layers in (_from({layer}, plan),)
    )


def _size(layer: str, plan: ContextPlan) -> int:
    return sum(file.size for file in plan.in_layer(layer))


def _from(changed: set[str], plan: ContextPlan) -> tuple[str, ...]:
    first = next((index for index, layer in enumerate(plan.layers) if layer in changed), len(plan.layers))
    return plan.layers[first:]


def _is_sealed(file: ManifestFile) -> bool:
    """Tell what is made of all the others when a context is written: bill of materials, hashes of models."""
    return file.path in {SBOM_NAME, f"{file.layer}/{SUMS}"}


def _kind(file: ContextFile, before: Mapping[str, ManifestFile]) -> str:
    """Tell how a file differs; the bytes are read only where size and mode agree."""
    old = before.get(file.path)
    if old is None:
        return "added"
    same = (file.size, f"{file.mode:04o}", file.layer) == (old.size, old.mode, old.layer) and _hash(file) == old.sha256
    return "" if same else "changed"


def _hash(file: ContextFile) -> str:
    return hashlib.sha256(file.source).hexdigest() if isinstance(file.source, bytes) else hash_file(file.source)
