"""`mlpackage plan`: show what would go into each layer, what changes, and which layers a change rebuilds.

With `--start`, show how long the script takes to start instead.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.given_flags import with_flags
from hatch_mlpackage.cli.output import answer, answer_json, from_here, on_terminal, plural, shorten, size, warn
from hatch_mlpackage.cli.project import check_option, strict_option, with_options, with_project
from hatch_mlpackage.cli.savings import saving_line, savings_of
from hatch_mlpackage.cli.tables import Branch, draw_branches, draw_table, fold, summary
from hatch_mlpackage.cli.verbs import Verb, json_option
from hatch_mlpackage.context.build import finished, plan_package
from hatch_mlpackage.context.changes import DOCKERFILE, Change, Rebuild, changes_since, rebuilds, rebuilt_layers
from hatch_mlpackage.context.heavy import heaviest
from hatch_mlpackage.context.manifest import MANIFEST_NAME
from hatch_mlpackage.context.package import default_destination, inspect_project
from hatch_mlpackage.context.plan import FOR_THE_BUILDER

if TYPE_CHECKING:
    from hatch_mlpackage.context.package import Package
    from hatch_mlpackage.context.plan import ContextPlan
    from hatch_mlpackage.lock.pins.packages import LockedPackage
    from hatch_mlpackage.project.pyproject import Project

_DOCUMENT = """{"layers": [{"name", "files", "size"}],
   "files": [{"path", "layer", "size", "mode", "copied"}],
   "packages": [{"name", "version", "size": BYTES|null}],
   "savings": [{"packages": [NAME], "size": BYTES, "instead"}],
   "rebuilds": [{"what", "layers", "size"}],
   "changes": [{"path", "kind": "added|changed|removed", "layer"}]|null,
   "rebuilt": [LAYER]}
   with --start: {"python", "total": SECONDS, "init": SECONDS, "imports": [{"package", "seconds"}]}"""


@click.command(
    "plan",
    cls=Verb,
    examples=("mlpackage plan", "mlpackage plan --json", "mlpackage plan --start --python .venv/bin/python"),
    document=_DOCUMENT,
)
@with_project
@strict_option
@check_option
@json_option("Print a JSON document with every file.")
@click.option(
    "--start",
    is_flag=True,
    help="Show something else: load the script and call init() here, once, and rank its imports by their time.",
)
@click.option(
    "--python",
    metavar="FILE",
    help="With --start: the interpreter that has the model's packages; default: that of .venv, or else of the active "
    "environment.",
)
def command(*, project: Project, strict: bool, check: bool, as_json: bool, start: bool, python: str | None) -> None:
    """Show the image's layers from the bottom up, what the next context changes, and what each change rebuilds.

    Writes nothing. Compares with the last context, the one in dist/NAME-VERSION-context.

    With --start, runs the script's imports and init() on copies of the files, as serve does, and shows how long they
    take. The exit status is 3 when the script cannot start.
    """
    project = with_options(project, strict=strict, check=check)
    if start:
        from hatch_mlpackage.cli.plan_start import show_start  # noqa: PLC0415 - the rest of this verb runs nothing

        show_start(project, python, as_json=as_json)
        return
    if python:
        raise click.UsageError("--python names the interpreter for --start: add --start, or leave it out.")
    package = inspect_project(project)
    plan, locked = plan_package(package, warn=warn), package.locks.packages
    last = default_destination(project)
    changes = changes_since(plan, last) if (last / MANIFEST_NAME).is_file() else None
    whole = finished(package, plan)
    if as_json:
        answer_json(as_document(package, whole, locked, changes))
        return
    _draw_layers(package, whole, changes)
    saved = map(saving_line, savings_of(package.locks, package.config))
    answer("\n".join((*_total_lines(whole), *_install_lines(locked), *_built_lines(package), *saved, "")))
    again = [(it.what, size(it.size), ", ".join(it.layers)) for it in _rebuilds_of(package, whole, locked)]
    draw_table(("after a change of", "size", "a builder makes these layers again"), again)
    answer("\n" + "\n".join(_change_lines(plan, changes, last)))


def as_document(
    package: Package, plan: ContextPlan, locked: tuple[LockedPackage, ...], changes: tuple[Change, ...] | None
) -> dict[str, object]:
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
        "packages": [{"name": it.name, "version": it.version, "size": it.size or None} for it in locked],
        "built": [
            {"name": it.name, "version": it.version, "archive": it.archive, "without_extensions": it.is_reduced}
            for it in package.locks.built
        ],
        "savings": [asdict(it) for it in savings_of(package.locks, package.config)],
        "rebuilds": [asdict(it) for it in _rebuilds_of(package, plan, locked)],
        "changes": None if changes is None else [asdict(change) for change in changes],
        "rebuilt": list(plan.layers if changes is None else rebuilt_layers(plan, changes)),
    }


def _rebuilds_of(package: Package, plan: ContextPlan, locked: tuple[LockedPackage, ...]) -> tuple[Rebuild, ...]:
    return rebuilds(plan, package.config.models, wheels=sum(it.size for it in locked))


def _draw_layers(package: Package, plan: ContextPlan, changes: tuple[Change, ...] | None) -> None:
    """Draw the layers with their files on a terminal, and as a table elsewhere."""
    layers = [(layer, plan.in_layer(layer)) for layer in (*plan.layers, FOR_THE_BUILDER)]
    rows = [(_layer_title(layer, plan), files, _tally(layer, changes)) for layer, files in layers if files]
    if on_terminal():
        draw_branches(
            package.image_name,
            [Branch(label=name, note=f"{summary(files)}, {tally}", rows=fold(files)) for name, files, tally in rows],
        )
        return
    draw_table(
        ("layer", "size", "files", "since the last context"),
        [(name, size(sum(file.size for file in files)), str(len(files)), tally) for name, files, tally in rows],
    )


def _total_lines(plan: ContextPlan) -> list[str]:
    """Count the files of the context's folder, and those that the build reads where they are."""
    elsewhere = tuple(file for file in plan.files if file.named_context)
    besides = [f"Not copied: {summary(elsewhere)} of models, which the build reads where they are"] if elsewhere else []
    return [f"{summary(plan.copied)} in the context", *besides]


def _layer_title(layer: str, plan: ContextPlan) -> str:
    name = "(not in the image)" if layer == FOR_THE_BUILDER else layer
    return f"{name} (not copied)" if any(file.named_context for file in plan.in_layer(layer)) else name


def _install_lines(locked: tuple[LockedPackage, ...]) -> list[str]:
    """Say how many packages the image's build installs, their size if that of every wheel is known, and the biggest."""
    if not locked:
        return []
    known = f", {size(sum(package.size for package in locked))} of wheels" if all(it.size for it in locked) else ""
    biggest = ", ".join(f"{it.name} {size(it.size)}" for it in heaviest(locked))
    return [
        f"{plural(len(locked), 'package')}{known} to install besides",
        *([f"The heaviest: {biggest}"] if biggest else []),
    ]


def _built_lines(package: Package) -> list[str]:
    built = package.locks.built
    return [f"Built from source: {', '.join(map(str, built))}"] if built else []


def _tally(layer: str, changes: tuple[Change, ...] | None) -> str:
    """Count a layer's changes: `1 added, 2 changed`."""
    if changes is None:
        return "new"
    if layer == "manifest":
        return "changed" if changes else "same"  # it holds the hashes of all other files
    kinds = [change.kind for change in changes if change.layer == layer]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(sorted(kinds))) or "same"


def _change_lines(plan: ContextPlan, changes: tuple[Change, ...] | None, last: Path) -> list[str]:
    """List the changed files and the layers that a builder makes again."""
    if changes is None:
        return [f"There is no context at {from_here(last)} yet: {with_flags('mlpackage generate')} writes it."]
    if not changes:
        return [f"Nothing changes: {from_here(last)} is up to date."]
    lines = shorten([f"{change.kind:>8}  {change.path}" for change in changes], indent=" " * 10)
    rebuilt = rebuilt_layers(plan, changes)
    at_most = "at most " if any(change.path == DOCKERFILE for change in changes) else ""
    return [*lines, f"A rebuild makes {at_most}these layers again: {', '.join(rebuilt) or 'none but the manifest'}."]
