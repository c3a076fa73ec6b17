"""`mlpackage generate`: write the build context."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hatch_mlpackage.cli.output import answer_json, is_quiet, say, show
from hatch_mlpackage.cli.progress import writing
from hatch_mlpackage.cli.project import with_project
from hatch_mlpackage.cli.tables import draw_tree, summary
from hatch_mlpackage.cli.verbs import Verb
from hatch_mlpackage.context import base_image_warning, build_context, default_destination
from hatch_mlpackage.handoff import build_command

if TYPE_CHECKING:
    from hatch_mlpackage.manifest import Manifest
    from hatch_mlpackage.project import Project


@click.command(
    "generate",
    cls=Verb,
    examples=(
        "mlpackage generate",
        "mlpackage generate --output context",
        "mlpackage generate --entry-script score.py --model ridge=model.pkl --requirement requirements.txt",
    ),
)
@with_project
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to write it; default: dist/NAME-VERSION-context in the project.",
)
@click.option("--json", "as_json", is_flag=True, help="Print where it is and its digest as a JSON document.")
def command(*, project: Project, output: Path | None, as_json: bool) -> None:
    """Write the build context: Dockerfile, locked requirements, server, models, entry script, manifest.

    Needs the lock (mlpackage lock), no network and no container engine.
    """
    destination = output or shown(default_destination(project))
    manifest = generate(project, destination)
    if as_json:
        answer_json({"context": str(destination), "digest": manifest.digest, "size": manifest.size})
    elif not is_quiet():
        draw_tree(f"{destination} ({summary(manifest.files)})", manifest.files)
        show(manifest.digest)
        show(next_commands(destination, str(manifest.about["image"]["name"])))


def generate(project: Project, destination: Path) -> Manifest:
    """Write the context, with progress for what takes long."""
    with writing() as progress:
        manifest = build_context(project, destination, progress=progress)
    warn_of_lost_digest(project)
    return manifest


def warn_of_lost_digest(project: Project) -> None:
    warning = base_image_warning(project)
    if warning:
        say(f"Warning: {warning}")


def next_commands(context: Path, tag: str) -> str:
    build = shlex.join(build_command("docker", context, tag=tag))
    return (
        f"\nNext: mlpackage serve --context {shlex.quote(str(context))}   (no container engine needed)\n  or: {build}"
    )


def shown(path: Path) -> Path:
    """Write a path relative to the current folder where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
