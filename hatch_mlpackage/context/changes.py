"""Compare a plan with the existing context, and tell which layers each kind of change makes a builder make again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hatch_mlpackage.context.cyclonedx import SBOM_NAME
from hatch_mlpackage.context.manifest import ManifestFile, read_manifest
from hatch_mlpackage.context.plan import PROJECT_LAYER, SUMS, ContextFile, ContextPlan
from hatch_mlpackage.files.hashing import hash_file
from hatch_mlpackage.project.config.keys import Model

DOCKERFILE = "Dockerfile"
# Lowest layer that changes → what somebody changed; models are added to these.
_KINDS = {
    "source": "the entry script or its sources",
    PROJECT_LAYER: "the project's own package",
    "runtime": "hatch-mlpackage",
    "environment": "a requirement",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Describe a file that the next context adds, changes or removes, and the layer that is built again."""

    path: str
    kind: str
    layer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuild:
    """Describe what a builder makes again after a change of `what`.

    `size` counts the bytes of the layers' files and of the wheels that are installed again.
    """

    what: str
    layers: tuple[str, ...]
    size: int


def changes_since(plan: ContextPlan, context: Path) -> tuple[Change, ...]:
    """Compare the files of a plan with those that a context's manifest lists."""
    before = {file.path: file for file in read_manifest(context).files if not _is_made_last(file)}
    now = {file.path: file for file in plan.files}
    gone = [Change(path=path, kind="removed", layer=before[path].layer) for path in before.keys() - now.keys()]
    changed = [
        Change(path=path, kind=kind, layer=file.layer) for path, file in now.items() if (kind := _kind(file, before))
    ]
    return tuple(sorted([*gone, *changed], key=lambda change: change.path))


def rebuilt_layers(plan: ContextPlan, changes: Iterable[Change]) -> tuple[str, ...]:
    """Return the layers that a builder makes again: the lowest one that changes, and all above it."""
    found = tuple(changes)
    if any(change.path == DOCKERFILE for change in found):
        return plan.layers  # the changed line decides which layers, at worst all
    return _from({change.layer for change in found}, plan)


def rebuilds(plan: ContextPlan, models: Iterable[Model], *, wheels: int = 0) -> tuple[Rebuild, ...]:
    """Return what each kind of change makes again, cheapest first; `wheels` is the size of all locked ones in bytes."""
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


def _is_made_last(file: ManifestFile) -> bool:
    """Tell whether a file is made from all others when a context is written: the bill, or hashes of a model."""
    return file.path in {SBOM_NAME, f"{file.layer}/{SUMS}"}


def _kind(file: ContextFile, before: Mapping[str, ManifestFile]) -> str:
    """Return how a file differs, or ""; read its bytes only if its size, mode and layer are the same."""
    old = before.get(file.path)
    if old is None:
        return "added"
    same = (file.size, f"{file.mode:04o}", file.layer) == (old.size, old.mode, old.layer) and _hash(file) == old.sha256
    return "" if same else "changed"


def _hash(file: ContextFile) -> str:
    return hashlib.sha256(file.source).hexdigest() if isinstance(file.source, bytes) else hash_file(file.source)
