"""`mlpackage plan`: what would go into which layer, and what has changed since the last context."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.generate import shown
from hatch_mlpackage.cli.output import answer, answer_json, plural, size
from hatch_mlpackage.cli.project import with_project
from hatch_mlpackage.cli.tables import draw_table, summary
from hatch_mlpackage.cli.verbs import Verb
from hatch_mlpackage.context import plan_context
from hatch_mlpackage.manifest import MANIFEST_NAME, ManifestFile, hash_file, read_manifest
from hatch_mlpackage.package import default_destination
from hatch_mlpackage.plan import SUMS
from hatch_mlpackage.sbom import SBOM_NAME

if TYPE_CHECKING:
    from hatch_mlpackage.plan import ContextFile, ContextPlan
    from hatch_mlpackage.project import Project

_FOR_THE_BUILDER = "build"  # files that no layer carries: Dockerfile, .dockerignore, README.md
_DOCKERFILE = "Dockerfile"
_LISTED = 20  # changes; more are counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A file that the next context has added, changed or removed; `layer` is the one that is built again."""

    path: str
    kind: str
    layer: str


@click.command("plan", cls=Verb, examples=("mlpackage plan", "mlpackage plan --json"))
@with_project
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document with every file.")
def command(*, project: Project, as_json: bool) -> None:
    """Show the image's layers from the bottom up, and what the next context changes.

    Writes nothing. The last context is the one in dist/NAME-VERSION-context.
    """
    plan = plan_context(project)
    last = default_destination(project)
    changes = changes_since(plan, last) if (last / MANIFEST_NAME).is_file() else None
    if as_json:
        answer_json(as_document(plan, changes))
        return
    draw_table(("layer", "size", "files", "since the last context"), _rows(plan, changes))
    answer(f"{summary(plan.files)} in all")
    answer("\n" + "\n".join(_story(plan, changes, last)))


def changes_since(plan: ContextPlan, context: Path) -> tuple[Change, ...]:
    """Compare what would be written with what the manifest of a context lists."""
    before = {file.path: file for file in read_manifest(context).files if not _is_sealed(file)}
    now = {file.path: file for file in plan.files}
    gone = [Change(path=path, kind="removed", layer=before[path].layer) for path in before.keys() - now.keys()]
    changed = [
        Change(path=path, kind=kind, layer=file.layer) for path, file in now.items() if (kind := _kind(file, before))
    ]
    return tuple(sorted([*gone, *changed], key=lambda change: change.path))


def _is_sealed(file: ManifestFile) -> bool:
    """Tell what is made of all the others when a context is written: bill of materials, hashes of models."""
    return file.path in {SBOM_NAME, f"{file.layer}/{SUMS}"}


def rebuilt_layers(plan: ContextPlan, changes: tuple[Change, ...]) -> tuple[str, ...]:
    """List the layers that a builder makes again: the lowest one that changes, and all above it."""
    changed = {change.layer for change in changes}
    if any(change.path == _DOCKERFILE for change in changes):
        return plan.layers  # which line changed decides; at worst all of them
    first = next((index for index, layer in enumerate(plan.layers) if layer in changed), len(plan.layers))
    return plan.layers[first:]


def as_document(plan: ContextPlan, changes: tuple[Change, ...] | None) -> dict[str, object]:
    return {
        "layers": [
            {"name": layer, "files": len(files), "size": sum(file.size for file in files)}
            for layer in plan.layers
            for files in (plan.in_layer(layer),)
        ],
        "files": [
            {
                "path": file.path,
                "layer": file.layer,
                "size": file.size,
                "mode": f"{file.mode:04o}",
                "copied": not file.named_context,
            }
            for file in plan.files
        ],
        "changes": None if changes is None else [asdict(change) for change in changes],
        "rebuilt": list(plan.layers if changes is None else rebuilt_layers(plan, changes)),
    }


def _kind(file: ContextFile, before: Mapping[str, ManifestFile]) -> str:
    """Tell how a file differs; the bytes are read only where size and mode agree."""
    old = before.get(file.path)
    if old is None:
        return "added"
    same = (file.size, f"{file.mode:04o}", file.layer) == (old.size, old.mode, old.layer) and _hash(file) == old.sha256
    return "" if same else "changed"


def _hash(file: ContextFile) -> str:
    return hashlib.sha256(file.source).hexdigest() if isinstance(file.source, bytes) else hash_file(file.source)


def _rows(plan: ContextPlan, changes: tuple[Change, ...] | None) -> list[tuple[str, str, str, str]]:
    rows = []
    for layer in (*plan.layers, _FOR_THE_BUILDER):
        files = plan.in_layer(layer)
        if not files:
            continue  # the manifest, which is made when the context is written
        name = "(not in the image)" if layer == _FOR_THE_BUILDER else layer
        if any(file.named_context for file in files):
            name += " (not copied)"
        rows.append((name, size(sum(file.size for file in files)), str(len(files)), _tally(layer, changes)))
    return rows


def _tally(layer: str, changes: tuple[Change, ...] | None) -> str:
    """Count a layer's changes: `1 added, 2 changed`."""
    if changes is None:
        return "new"
    kinds = [change.kind for change in changes if change.layer == layer]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(sorted(kinds))) or "same"


def _story(plan: ContextPlan, changes: tuple[Change, ...] | None, last: Path) -> list[str]:
    """Say what changes, file by file, and what a builder makes again for it."""
    if changes is None:
        return [f"There is no context at {shown(last)} yet: mlpackage generate writes it."]
    if not changes:
        return [f"Nothing changes: {shown(last)} is up to date."]
    lines = [f"{change.kind:>8}  {change.path}" for change in changes[:_LISTED]]
    if len(changes) > _LISTED:
        lines.append(f"          and {plural(len(changes) - _LISTED, 'more change')}")
    rebuilt = rebuilt_layers(plan, changes)
    at_most = "at most " if any(change.path == _DOCKERFILE for change in changes) else ""
    return [*lines, f"A rebuild makes {at_most}these layers again: {', '.join(rebuilt) or 'none but the manifest'}."]
